//! What limits a choice: an approval, a number that a person changes, a window, a job that is too large, a record that does not fit.

use super::*;
use crate::program::Approve;
use crate::survey::GangView;
use podlift_batches::{Gangs, TooLarge, Window};

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
    let Some(Event::BatchWaits { why, until }) = choose(tape.state(), &nodes, &[], &[], noon) else {
        panic!()
    };
    assert_eq!(until, "2026-11-27T22:00:00Z".parse().ok());
    add(&mut tape, Event::BatchWaits { why, until });
    assert_eq!(choose(tape.state(), &nodes, &[], &[], noon), None, "the same reason is not recorded again");
    assert!(tape.todo().is_empty() && crate::view::summary(tape.state()).waits.is_some());
    let event = choose(tape.state(), &nodes, &[], &[], night);
    add(&mut tape, event.clone().unwrap());
    assert_eq!(nodes_of(event), ["runai-01"]);
    assert_eq!((lanes(&tape), tape.state().batch_waits.clone()), (vec!["runai-01".to_string()], None));
    // What has begun goes on, and the next lane waits for the window.
    while !batch_due(tape.state()) {
        let step = tape.todo()[0].clone();
        tape.complete(&step);
    }
    assert!(matches!(choose(tape.state(), &nodes, &[], &[], noon), Some(Event::BatchWaits { .. })));
    // The next one would not end in the window any more.
    let late: Timestamp = "2026-11-28T05:50:00Z".parse().unwrap();
    assert!(matches!(choose(tape.state(), &nodes, &[], &[], late), Some(Event::BatchWaits { .. })));
}

/// Nodes and jobs come and go all the time, and each of them changes the sentence.
#[test]
fn the_reason_of_a_wait_is_worded_anew_at_most_every_five_minutes() {
    let never = |job: &str| {
        let mut pods = gang(&["dgx030"]);
        pods[0].gang = Some(job.into());
        pods[0].never_interrupt = Some("k=v".into());
        pods
    };
    let mut tape = fleet(|_| ());
    while !batch_due(tape.state()) {
        let step = tape.todo()[0].clone();
        tape.complete(&step);
    }
    let (nodes, recorded) = (views(&tape), now(&tape));
    let Some(Event::BatchWaits { why, until }) = pick(&mut tape, &nodes, &never("PodGroup/a")) else {
        panic!()
    };
    assert!(why.contains("ml/PodGroup/a") && until.is_some(), "{why} {until:?}");
    let after = |tape: &Tape, seconds, job: &str| {
        let at = recorded.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
        choose(tape.state(), &nodes, &never(job), &[], at)
    };
    for seconds in [1, 60, 299] {
        assert_eq!(after(&tape, seconds, "PodGroup/b"), None, "after {seconds} s");
    }
    let Some(Event::BatchWaits { why: other, until: same }) = after(&tape, 300, "PodGroup/b") else {
        panic!()
    };
    assert!(other.contains("ml/PodGroup/b") && same == until, "{other} {same:?}");
    assert_eq!(after(&tape, 300, "PodGroup/a"), None, "the same sentence is never recorded again");
    add(&mut tape, Event::BatchWaits { why: other, until: same });
    let Some(Event::BatchWaits { until: later, .. }) = after(&tape, 900, "PodGroup/a") else { panic!() };
    assert_eq!(later, same, "the end of a wait does not move with each look");
    // Another end is another wait, and is recorded at once.
    add(&mut tape, Event::BatchWaits { why, until: None });
    assert!(matches!(after(&tape, 2, "PodGroup/a"), Some(Event::BatchWaits { until: Some(_), .. })));
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
        matches!(choose(&again, &nodes, &pods, &[], now(&tape)), Some(Event::RunPaused { .. })),
        "a resume is no answer"
    );
    let set = |value: &str| Event::OptionSet {
        name: MAX_UNAVAILABLE.into(),
        value: value.into(),
        by: "jane".into(),
    };
    for (change, why) in
        [(set("3"), "there is room for the whole job"), (defer("dgx031"), "the rest of the job fits")]
    {
        let other = apply(Some(tape.state().clone()), &tape.state().run, now(&tape), &change).unwrap();
        assert!(batch_due(&other), "{why}: it asks no more");
        let event = choose(&other, &nodes, &pods, &[], now(&tape));
        assert!(matches!(event, Some(Event::BatchChosen { .. })), "{why}: {event:?}");
    }
    add(&mut tape, Event::Approved { by: "jane".into(), what: reason.message.clone() });
    assert!(tape.state().agreed.contains_key("ml/PodGroup/llm"));
    let anew: Vec<PodView> = pods
        .iter()
        .map(|pod| PodView {
            started: now(&tape).checked_add(jiff::SignedDuration::from_secs(60)).ok(),
            ..pod.clone()
        })
        .collect();
    let asked = choose(tape.state(), &nodes, &anew, &[], now(&tape));
    assert!(
        matches!(asked, Some(Event::RunPaused { .. })),
        "what begins afterwards is another question: {asked:?}"
    );
    assert!(!nodes_of(pick(&mut tape, &nodes, &pods)).is_empty());

    let mut tape = fleet(|i| i.options.batches = Some(too_large(TooLarge::Skip)));
    until_workers(&mut tape, &pods);
    assert!(!tape.state().went_without_some());
    let Some(Event::BatchLeft { nodes: left, .. }) = pick(&mut tape, &nodes, &pods) else { panic!() };
    assert_eq!(left, ["dgx031", "dgx032", "dgx033"].map(name), "all nodes of the job together");
    assert!(tape.state().went_without_some(), "nobody has asked for it, so the run ends as incomplete");
    assert!(!batch_due(tape.state()) && left.iter().all(|node| tape.state().goes_without(node)));
    assert!(tape.todo()[0].as_str().starts_with("verify/"), "{:?}", tape.todo());
    for node in &left {
        add(&mut tape, Event::NodeUndone { node: node.clone(), undone: vec![], left: vec![] });
        add(&mut tape, Event::NodeIncluded { node: node.clone(), by: "jane".into() });
    }
    assert!(!tape.state().went_without_some(), "an operator has taken them in again");
}

#[test]
fn a_policy_that_leaves_more_than_a_tenth_of_the_workers_out_asks_before() {
    let gangs = Gangs { too_large: TooLarge::Skip, ..Gangs::default() };
    let mut others = vec![];
    let mut tape = fleet(|i| {
        i.options.batches = Some(Policy { gangs, ..Policy::default() });
        others = more_workers(i);
    });
    let on = ["dgx031", "dgx032", "dgx033"].into_iter().chain(others.iter().map(String::as_str));
    let pods = gang(&on.collect::<Vec<_>>());
    until_workers(&mut tape, &pods);
    let nodes = views(&tape);
    let Some(Event::RunPaused { reason, .. }) = pick(&mut tape, &nodes, &pods) else { panic!() };
    assert_eq!((reason.code.as_str(), reason.next.as_str()), ("many-left-out", "podlift resume"));
    assert!(
        reason.message.contains("13 of 14 workers out: dgx031, dgx032, dgx033, dgx034, dgx035 and 8 more")
            && reason.message.contains("before it leaves more than 3 out"),
        "{reason:?}"
    );
    assert!(tape.state().deferred.is_empty() && !batch_due(tape.state()));
    add(&mut tape, Event::RunResumed { by: "jane".into() });
    let free = choose(tape.state(), &nodes, &[], &[], now(&tape));
    assert!(matches!(free, Some(Event::BatchChosen { .. })), "the job has ended meanwhile: {free:?}");
    let Some(Event::BatchLeft { nodes: left, .. }) = pick(&mut tape, &nodes, &pods) else { panic!() };
    assert_eq!((left.len(), tape.state().deferred.len()), (13, 13));
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

/// The scheduler may need a moment to place the pods that were evicted.
#[test]
fn pods_of_a_gang_that_goes_on_have_their_time_to_come_back() {
    let gangs = [GangView { id: "ml/PodGroup/llm".into(), min_member: Some(2), pods: Some(3) }];
    let pods = gang(&["dgx031", "dgx032", "dgx033"]);
    let mut tape = fleet(|i| i.options.max_unavailable = 1);
    until_workers(&mut tape, &[]);
    let nodes = views(&tape);
    let event = choose(tape.state(), &nodes, &pods, &gangs, now(&tape)).unwrap();
    let Event::BatchChosen { nodes: taken, interrupts, jobs, .. } = &event else { panic!("{event:?}") };
    assert_eq!((taken.len(), interrupts.len(), jobs.len()), (1, 0, 1), "it goes on with two pods");
    let gone = taken[0].clone();
    add(&mut tape, event);
    while let Some(step) = tape.todo().first().cloned() {
        tape.complete(&step);
    }
    let left: Vec<PodView> = pods.iter().filter(|pod| pod.node.as_ref() != Some(&gone)).cloned().collect();
    let waits = choose(tape.state(), &nodes, &left, &gangs, now(&tape));
    let Some(Event::BatchWaits { why, until: Some(until) }) = waits else { panic!("{waits:?}") };
    assert_eq!(why, "pods of ml/PodGroup/llm are on their way back");
    let interrupts = |pods: &[PodView], at| match choose(tape.state(), &nodes, pods, &gangs, at) {
        Some(Event::BatchChosen { interrupts, .. }) => interrupts.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(interrupts(&pods, now(&tape)), 0, "its pods are back");
    assert_eq!(interrupts(&left, until), 1, "their time is over");
}
