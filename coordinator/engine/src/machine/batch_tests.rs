//! Lanes that have to be chosen: what is chosen when, and what happens to a choice when nodes fail, leave, come back or are away. A replay of
//! the journal gives the same batches each time.

mod bad_input;
mod limits;
mod repeats;

use super::tests::{Tape, failure};
use super::*;
use crate::doors::NodeView;
use crate::goals::PlanInput;
use crate::program::Evidence;
use crate::survey::PodView;
use crate::testing::{input, name, survey::pod};
use jiff::Timestamp;
use podlift_batches::Policy;
use podlift_model::StepId;

fn fleet(change: impl FnOnce(&mut PlanInput)) -> Tape {
    let mut i = input();
    (i.options.batches, i.options.max_unavailable) = (Some(Policy::default()), 2);
    i.cluster_survey.as_mut().unwrap().pods = Ok(vec![]);
    change(&mut i);
    Tape::of(&i)
}

/// Ten workers more: dgx034 to dgx043.
fn more_workers(i: &mut PlanInput) -> Vec<String> {
    let names: Vec<String> = (34..44).map(|n| format!("dgx0{n}")).collect();
    for node in &names {
        let mut entry = i.inventory.nodes.iter().find(|n| n.name == name("dgx033")).unwrap().clone();
        (entry.name, entry.view.name) = (name(node), name(node));
        entry.facts = Some(crate::testing::facts(node, false));
        i.inventory.nodes.push(entry);
    }
    i.inventory.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    names
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
    let event = choose(tape.state(), nodes, pods, &[], now(tape))?;
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
    assert!(!batch_due(tape.state()) && choose(tape.state(), &views(&tape), &[], &[], now(&tape)).is_none());
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
    assert!(tape.todo()[0].as_str().ends_with("dgx032/node-reachable"), "{:?}", tape.todo());
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
