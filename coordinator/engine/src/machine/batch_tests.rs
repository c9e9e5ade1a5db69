//! Lanes that have to be chosen: what is chosen when, and what happens to a choice when nodes fail, leave, come back or are away, when a
//! person approves, raises or lowers a number, and when a window is closed. A replay of the journal gives the same batches each time.

use super::tests::{Tape, failure};
use super::*;
use crate::doors::NodeView;
use crate::goals::PlanInput;
use crate::program::{Approve, Evidence};
use crate::survey::PodView;
use crate::testing::{input, name, survey::pod};
use jiff::Timestamp;
use podlift_batches::{Gangs, Policy, TooLarge, Window};
use podlift_model::StepId;

fn fleet(change: impl FnOnce(&mut PlanInput)) -> Tape {
    let mut i = input();
    (i.options.batches, i.options.max_unavailable) = (Some(Policy::default()), 2);
    i.cluster_survey.as_mut().unwrap().pods = Ok(vec![]);
    change(&mut i);
    Tape::of(&i)
}

/// The nodes as the cluster shows them while nothing is wrong.
fn views(tape: &Tape) -> Vec<NodeView> {
    tape.state().plan.inventory.nodes.iter().map(|n| n.view.clone()).collect()
}

fn gang(nodes: &[&str]) -> Vec<PodView> {
    let member = |node: &&str| PodView {
        gang: Some("PodGroup/llm".into()),
        gpus: 8,
        started: Some(Timestamp::UNIX_EPOCH),
        ..pod("ml", &format!("llm-{node}"), node, "Job/llm")
    };
    nodes.iter().map(member).collect()
}

fn now(tape: &Tape) -> Timestamp {
    Timestamp::from_second(tape.records.len() as i64).unwrap()
}

/// Records what is chosen now. `None` if there is nothing to record.
fn pick(tape: &mut Tape, nodes: &[NodeView], pods: &[PodView]) -> Option<Event> {
    let event = choose(tape.state(), nodes, pods, now(tape))?;
    tape.add(event.clone()).unwrap();
    let replayed = fold(&tape.records).unwrap().unwrap();
    assert_eq!((&replayed.batches, &replayed.admitted), (&tape.state().batches, &tape.state().admitted));
    Some(event)
}

fn nodes_of(event: Option<Event>) -> Vec<String> {
    match event {
        Some(Event::BatchChosen { nodes, .. }) => nodes.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

/// Drives the run to this step: what is due is chosen, and the first step is done, again and again.
fn until(tape: &mut Tape, pods: &[PodView], wanted: &str) -> StepId {
    loop {
        while batch_due(tape.state()) {
            let nodes = views(tape);
            if pick(tape, &nodes, pods).is_none() {
                break;
            }
        }
        let first = tape.todo().first().cloned().unwrap_or_else(|| panic!("{:?}", next(tape.state())));
        if first.as_str().ends_with(wanted) {
            return first;
        }
        tape.complete(&first);
    }
}

/// Until the first batch of workers has to be chosen.
fn until_workers(tape: &mut Tape, pods: &[PodView]) {
    until(tape, pods, "canary/dgx030/image-release");
    let last = tape.todo()[0].clone();
    tape.complete(&last);
    assert!(batch_due(tape.state()) && tape.todo().is_empty(), "{:?}", tape.todo());
}

fn lanes(tape: &Tape) -> Vec<String> {
    tape.todo().iter().filter_map(|id| id.as_str().split('/').nth(1).map(String::from)).collect()
}

fn add(tape: &mut Tape, event: Event) {
    tape.add(event).unwrap();
}

fn defer(node: &str) -> Event {
    Event::NodeDeferred { node: name(node), reason: "disk".into(), by: "jane".into(), until: None }
}

#[test]
fn a_gang_goes_in_one_batch_and_the_report_says_what_it_lost() {
    let pods = gang(&["dgx031", "dgx033"]);
    let mut tape = fleet(|_| ());
    let canary = until(&mut tape, &pods, "canary/dgx030/node-reachable");
    assert_eq!(tape.state().batches[0].phase, "canary", "{canary}");
    until_workers(&mut tape, &pods);
    let nodes = views(&tape);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &pods)), ["dgx032"], "the idle node goes first");
    assert!(
        !batch_due(tape.state())
            || pick(&mut tape, &nodes, &pods).is_none_or(|e| matches!(e, Event::BatchWaits { .. }))
    );
    assert_eq!(lanes(&tape), ["dgx032"], "nobody else begins");
    until(&mut tape, &pods, "workers/dgx032/image-release");
    let last = tape.todo()[0].clone();
    tape.complete(&last);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &pods)), ["dgx031", "dgx033"]);
    assert_eq!(lanes(&tape), ["dgx031", "dgx033"]);
    let summary = crate::view::summary(tape.state());
    assert_eq!(summary.batch.unwrap().interrupts, ["ml/PodGroup/llm"]);
    assert!(tape.state().interrupted.is_empty(), "nothing is evicted yet");
    let drain = until(&mut tape, &pods, "workers/dgx031/drain");
    tape.complete(&drain);
    assert_eq!(tape.state().interrupted.keys().collect::<Vec<_>>(), ["ml/PodGroup/llm"]);
    until(&mut tape, &pods, "verify-fleet");
    while let Some(step) = tape.todo().first().cloned() {
        tape.complete(&step);
    }
    add(&mut tape, Event::RunSucceeded);
    let report = crate::view::report(tape.state(), now(&tape));
    assert_eq!(report.batches.len(), 3);
    let job = &report.interrupted[..];
    assert_eq!((job.len(), job[0].times, job[0].owner.as_str()), (1, 1, "PodGroup/llm"));
    assert!(job[0].gpu_hours > 0.0 && report.gpu_hours_lost["ml"] == job[0].gpu_hours, "{report:?}");
}

#[test]
fn without_a_policy_of_batches_lanes_go_in_the_order_of_the_plan() {
    let mut tape = fleet(|i| i.options.batches = None);
    tape.until("workers/dgx031/node-reachable");
    assert!(!batch_due(tape.state()) && choose(tape.state(), &views(&tape), &[], now(&tape)).is_none());
    assert_eq!(lanes(&tape), ["dgx031", "dgx032"]);
}

#[test]
fn a_failed_worker_keeps_its_choice_and_a_deferred_one_is_chosen_anew() {
    let mut tape = fleet(|i| i.options.max_failed = Some("3".parse().unwrap()));
    until_workers(&mut tape, &[]);
    let nodes = views(&tape);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx031", "dgx032"]);
    let step = until(&mut tape, &[], "workers/dgx031/drain");
    add(&mut tape, Event::StepFailed { step: step.clone(), reason: failure() });
    assert!(!batch_due(tape.state()), "nothing begins after a failure that is not judged");
    let Next::SetAside { node, step, reason } = next(tape.state()) else {
        panic!("{:?}", next(tape.state()))
    };
    add(&mut tape, Event::NodeSetAside { node, step: step.clone(), reason: *reason });
    assert!(batch_due(tape.state()), "its place is free");
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx033"]);
    add(&mut tape, Event::RetryAsked { step: Some(step), by: "jane".into(), repair_dpkg: false });
    while tape.todo().first().is_some_and(|step| step.as_str().starts_with("root-cause/")) {
        let step = tape.todo()[0].clone();
        tape.complete(&step);
    }
    assert!(lanes(&tape).contains(&"dgx031".to_string()), "it was chosen already: {:?}", tape.todo());
    // A deferral gives the choice back: the node has work again when it is included.
    add(&mut tape, defer("dgx031"));
    add(&mut tape, Event::NodeUndone { node: name("dgx031"), undone: vec![], left: vec![] });
    add(&mut tape, Event::NodeIncluded { node: name("dgx031"), by: "jane".into() });
    assert!(!lanes(&tape).contains(&"dgx031".to_string()), "{:?}", tape.todo());
    until(&mut tape, &[], "workers/dgx032/image-release");
    let last = tape.todo()[0].clone();
    tape.complete(&last);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx031"]);
}

#[test]
fn nodes_that_are_lost_or_away_take_no_place() {
    let mut tape = fleet(|i| i.options.max_unavailable = 1);
    until_workers(&mut tape, &[]);
    add(&mut tape, Event::NodeLost { node: name("dgx031"), by: "jane".into() });
    let mut nodes = views(&tape);
    nodes.iter_mut().filter(|n| n.name == name("dgx031")).for_each(|n| n.ready = false);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx032"]);
    let step = tape.todo()[0].clone();
    add(&mut tape, Event::StepWaiting { step: step.clone(), reason: "its agent is gone".into() });
    nodes.iter_mut().filter(|n| n.name == name("dgx032")).for_each(|n| n.ready = false);
    assert_eq!(
        nodes_of(pick(&mut tape, &nodes, &[])),
        ["dgx033"],
        "a node that is away lets the others pass"
    );
    assert_eq!(lanes(&tape), ["dgx033"]);
    until(&mut tape, &[], "workers/dgx033/image-release");
    let last = tape.todo()[0].clone();
    tape.complete(&last);
    assert_eq!(tape.todo(), std::slice::from_ref(&step), "its turn comes again at the end of the line");
    // It is there again: what was right when it was chosen may not be now.
    add(&mut tape, Event::StepDone { step, evidence: Evidence::Seen { what: "Ready".into() } });
    assert!(tape.todo().is_empty() && batch_due(tape.state()), "{:?}", tape.todo());
    let nodes = views(&tape);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx032"]);
    assert!(tape.todo()[0].as_str().ends_with("dgx032/cordon"), "{:?}", tape.todo());
}

#[test]
fn a_worker_that_failed_before_its_cordon_is_chosen_again_after_a_retry() {
    let mut tape = fleet(|i| i.options.max_failed = Some("3".parse().unwrap()));
    until_workers(&mut tape, &[]);
    let nodes = views(&tape);
    pick(&mut tape, &nodes, &[]);
    let step = until(&mut tape, &[], "workers/dgx031/cordon");
    add(&mut tape, Event::StepFailed { step: step.clone(), reason: failure() });
    let Next::SetAside { node, step, reason } = next(tape.state()) else {
        panic!("{:?}", next(tape.state()))
    };
    add(&mut tape, Event::NodeSetAside { node, step: step.clone(), reason: *reason });
    add(&mut tape, Event::RetryAsked { step: Some(step), by: "jane".into(), repair_dpkg: false });
    while tape.todo().first().is_some_and(|step| step.as_str().starts_with("root-cause/")) {
        let step = tape.todo()[0].clone();
        tape.complete(&step);
    }
    assert!(!lanes(&tape).contains(&"dgx031".to_string()), "{:?}", tape.todo());
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx031"]);
}

#[test]
fn a_first_worker_with_a_job_that_must_not_be_interrupted_waits_unless_that_is_waived() {
    let mut pods = gang(&["dgx030"]);
    pods[0].never_interrupt = Some("podlift.io/never-interrupt=true".into());
    let waiver = |check: &str| crate::program::Waiver {
        check: check.into(),
        reason: "known".into(),
        by: "jane".into(),
    };
    for waived in [false, true] {
        let mut tape = fleet(|i| i.waivers = waived.then(|| waiver("never-interrupt")).into_iter().collect());
        while !batch_due(tape.state()) {
            let step = tape.todo()[0].clone();
            tape.complete(&step);
        }
        assert_eq!(tape.state().phase().unwrap().name, "canary");
        let nodes = views(&tape);
        match (pick(&mut tape, &nodes, &pods), waived) {
            (Some(Event::BatchWaits { why, .. }), false) => assert!(why.contains("ml/PodGroup/llm"), "{why}"),
            (Some(Event::BatchChosen { .. }), true) => {}
            (other, _) => panic!("{waived}: {other:?}"),
        }
        if !waived {
            assert!(crate::view::summary(tape.state()).waits.is_some());
            add(&mut tape, Event::BatchWaits { why: String::new(), until: None });
            assert_eq!(tape.state().batch_waits, None, "an empty reason ends a wait");
        }
    }
}

#[test]
fn while_no_first_worker_has_shown_that_all_is_well_one_goes_alone() {
    let mut tape = fleet(|_| ());
    add(&mut tape, defer("dgx030"));
    until(&mut tape, &[], "workers/dgx031/node-reachable");
    assert_eq!(lanes(&tape), ["dgx031"]);
    until(&mut tape, &[], "workers/dgx031/image-release");
    let last = tape.todo()[0].clone();
    tape.complete(&last);
    let nodes = views(&tape);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx032", "dgx033"]);
}

#[test]
fn an_approval_of_a_batch_comes_before_its_choice_and_limits_it() {
    let mut tape = fleet(|i| i.options.approve = Approve::Batch);
    let mut asked = vec![];
    loop {
        let nodes = views(&tape);
        match next(tape.state()) {
            Next::Pause(reason) => {
                assert!(!batch_due(tape.state()), "nothing is chosen before the answer");
                asked.push(reason.message.clone());
                let what = reason.message.clone();
                add(&mut tape, Event::RunPaused { reason: *reason, by: None, now: false });
                add(&mut tape, Event::Approved { by: "jane".into(), what });
            }
            Next::Succeed => break,
            _ if batch_due(tape.state()) => drop(pick(&mut tape, &nodes, &[])),
            Next::Drive(todo) => {
                let step = todo[0].step.id.clone();
                tape.complete(&step);
            }
            other => panic!("{other:?}"),
        }
    }
    let of_workers = asked.iter().filter(|a| a.contains("(workers")).count();
    assert_eq!(of_workers, 2, "{asked:#?}");
    let sizes: Vec<usize> = tape.state().batches.iter().map(|b| b.nodes.len()).collect();
    assert_eq!(sizes, [1, 2, 1]);
}

#[test]
fn a_number_that_is_raised_makes_room_and_one_that_is_lowered_takes_no_lane_back() {
    let set = |value: &str| Event::OptionSet {
        name: MAX_UNAVAILABLE.into(),
        value: value.into(),
        by: "jane".into(),
    };
    let mut tape = fleet(|i| i.options.max_unavailable = 1);
    until_workers(&mut tape, &[]);
    let nodes = views(&tape);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx031"]);
    assert!(!batch_due(tape.state()));
    add(&mut tape, set("2"));
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx032"]);
    add(&mut tape, set("1"));
    assert_eq!(lanes(&tape), ["dgx031"], "the second one has not begun, and waits");
    assert!(!batch_due(tape.state()));
}

#[test]
fn nothing_begins_while_no_window_is_open_and_the_wait_is_recorded_once() {
    let window: Window = serde_json::from_value(serde_json::json!(
        {"days": [], "from": "22:00", "to": "06:00", "zone": "UTC"}
    ))
    .unwrap();
    let policy = Policy { windows: vec![window], ..Policy::default() };
    let mut tape = fleet(|i| i.options.batches = Some(policy.clone()));
    let noon: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
    let night: Timestamp = "2026-11-27T23:00:00Z".parse().unwrap();
    tape.until("image-pull");
    while !batch_due(tape.state()) {
        let step = tape.todo()[0].clone();
        tape.complete(&step);
    }
    assert_eq!(tape.state().phase().unwrap().name, "control-plane");
    let nodes = views(&tape);
    let Some(Event::BatchWaits { why, until }) = choose(tape.state(), &nodes, &[], noon) else { panic!() };
    assert_eq!(until, "2026-11-27T22:00:00Z".parse().ok());
    add(&mut tape, Event::BatchWaits { why, until });
    assert_eq!(choose(tape.state(), &nodes, &[], noon), None, "the same reason is not recorded again");
    assert!(tape.todo().is_empty() && crate::view::summary(tape.state()).waits.is_some());
    let event = choose(tape.state(), &nodes, &[], night);
    add(&mut tape, event.clone().unwrap());
    assert_eq!(nodes_of(event), ["runai-01"]);
    assert_eq!((lanes(&tape), tape.state().batch_waits.clone()), (vec!["runai-01".to_string()], None));
    // What has begun goes on, and the next lane waits for the window.
    while !batch_due(tape.state()) {
        let step = tape.todo()[0].clone();
        tape.complete(&step);
    }
    assert!(matches!(choose(tape.state(), &nodes, &[], noon), Some(Event::BatchWaits { .. })));
    // The next one would not end in the window any more.
    let late: Timestamp = "2026-11-28T05:50:00Z".parse().unwrap();
    assert!(matches!(choose(tape.state(), &nodes, &[], late), Some(Event::BatchWaits { .. })));
}

#[test]
fn a_run_whose_windows_are_too_short_for_a_lane_pauses_and_says_what_to_do() {
    let window: Window = serde_json::from_value(serde_json::json!(
        {"days": [], "from": "22:00", "to": "22:05", "zone": "UTC"}
    ))
    .unwrap();
    let mut tape = fleet(|i| i.options.batches = Some(Policy { windows: vec![window], ..Policy::default() }));
    while !batch_due(tape.state()) {
        let step = tape.todo()[0].clone();
        tape.complete(&step);
    }
    let nodes = views(&tape);
    let Some(Event::RunPaused { reason, .. }) = pick(&mut tape, &nodes, &[]) else { panic!() };
    assert_eq!((reason.code.as_str(), reason.next.as_str()), ("no-window", "podlift abort"));
}

#[test]
fn a_gang_that_is_too_large_is_asked_about_or_its_nodes_are_left_out() {
    let pods = gang(&["dgx031", "dgx032", "dgx033"]);
    let too_large =
        |too_large| Policy { gangs: Gangs { too_large, ..Gangs::default() }, ..Policy::default() };
    let mut tape = fleet(|i| i.options.batches = Some(too_large(TooLarge::Ask)));
    until_workers(&mut tape, &pods);
    let nodes = views(&tape);
    let Some(Event::RunPaused { reason, .. }) = pick(&mut tape, &nodes, &pods) else { panic!() };
    assert_eq!((reason.code.as_str(), reason.next.as_str()), (APPROVAL, "podlift approve"));
    assert!(!batch_due(tape.state()), "{reason:?}");
    let resumed = Event::RunResumed { by: "bob".into() };
    let again = apply(Some(tape.state().clone()), &tape.state().run, now(&tape), &resumed).unwrap();
    assert!(
        matches!(choose(&again, &nodes, &pods, now(&tape)), Some(Event::RunPaused { .. })),
        "a resume is no answer"
    );
    add(&mut tape, Event::Approved { by: "jane".into(), what: reason.message.clone() });
    assert!(tape.state().agreed.contains_key("ml/PodGroup/llm"));
    let anew: Vec<PodView> = pods
        .iter()
        .map(|pod| PodView {
            started: now(&tape).checked_add(jiff::SignedDuration::from_secs(60)).ok(),
            ..pod.clone()
        })
        .collect();
    let asked = choose(tape.state(), &nodes, &anew, now(&tape));
    assert!(
        matches!(asked, Some(Event::RunPaused { .. })),
        "what begins afterwards is another question: {asked:?}"
    );
    assert!(!nodes_of(pick(&mut tape, &nodes, &pods)).is_empty());

    let mut tape = fleet(|i| i.options.batches = Some(too_large(TooLarge::Skip)));
    until_workers(&mut tape, &pods);
    let Some(Event::BatchLeft { nodes: left, .. }) = pick(&mut tape, &nodes, &pods) else { panic!() };
    assert_eq!(left, ["dgx031", "dgx032", "dgx033"].map(name), "all nodes of the job together");
    assert!(!batch_due(tape.state()) && left.iter().all(|node| tape.state().goes_without(node)));
    assert!(tape.todo()[0].as_str().starts_with("verify/"), "{:?}", tape.todo());
}

#[test]
fn a_batch_that_does_not_fit_the_run_is_refused() {
    let mut tape = fleet(|_| ());
    let batch = |number, phase: &str, node: &str| Event::BatchChosen {
        number,
        phase: phase.into(),
        nodes: vec![name(node)],
        why: "w".into(),
        reasons: Default::default(),
        interrupts: vec![],
        gpu_seconds: 0,
        jobs: vec![],
    };
    for (number, phase, node, want) in [
        (2, "workers", "dgx031", "batch 2 can't be chosen: expected number 1"),
        (1, "moon", "dgx031", "batch 1 can't be chosen: the plan has no phase \"moon\""),
        (1, "workers", "runai-01", "batch 1 can't be chosen: runai-01 has no lane in phase workers"),
    ] {
        assert_eq!(tape.add(batch(number, phase, node)).unwrap_err().to_string(), want);
    }
    assert!(tape.state().admitted.is_empty() && tape.state().batches.is_empty());
}

#[test]
fn a_finished_worker_that_a_lifted_waiver_makes_due_again_is_chosen_again() {
    use crate::program::Waiver;
    let waiver = Waiver { check: "flag-loss".into(), reason: "known".into(), by: "jane".into() };
    let mut tape = fleet(|i| {
        i.waivers = vec![waiver];
        let survey = i.surveys.get_mut(&name("dgx031")).unwrap().as_mut().unwrap();
        survey.kubelet.as_mut().unwrap().config["maxPods"] = 500.into();
        i.options.max_unavailable = 1;
    });
    until(&mut tape, &[], "workers/dgx032/node-reachable");
    add(&mut tape, Event::WaiverLifted { check: "flag-loss".into(), by: "jane".into() });
    let lane = |tape: &Tape, node: &str| lanes(tape).contains(&node.to_string());
    while tape.todo().first().is_some_and(|step| !step.as_str().starts_with("workers/")) {
        let step = tape.todo()[0].clone();
        tape.add(Event::StepDone { step, evidence: Evidence::Seen { what: "right".into() } }).unwrap();
    }
    assert!(lane(&tape, "dgx032") && !lane(&tape, "dgx031"), "{:?}", tape.todo());
    until(&mut tape, &[], "workers/dgx031/node-reachable");
}
