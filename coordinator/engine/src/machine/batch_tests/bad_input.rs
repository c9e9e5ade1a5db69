//! Values and worlds that nobody wanted: each has a clear reason, what has begun ends, and no node keeps a cordon that it was not meant to
//! keep.

use super::*;
use crate::program::StopReason;
use crate::survey::GangView;
use podlift_batches::{Group, Window};
use podlift_model::NodeName;

/// Nodes that carry a cordon of the run and are not about to be given back.
fn cordoned(tape: &Tape) -> Vec<String> {
    let state = tape.state();
    let given_back: Vec<&NodeName> =
        state.to_undo().filter(|(_, keeps)| !keeps).map(|(node, _)| node).collect();
    let all = state.plan.inventory.nodes.iter().map(|n| &n.name);
    let stays = |node: &&NodeName| {
        state.left_cordoned(node) && !given_back.contains(node) && !state.deferred.contains_key(*node)
    };
    all.filter(stays).map(ToString::to_string).collect()
}

/// Drives all that is due to its end. What a deferral leaves is undone.
fn to_the_end(tape: &mut Tape, nodes: &[NodeView], pods: &[PodView]) {
    loop {
        while batch_due(tape.state()) && pick(tape, nodes, pods).is_some() {}
        let undo: Option<NodeName> = tape.state().to_undo().map(|(node, _)| node.clone()).next();
        match (tape.todo().first().cloned(), undo) {
            (Some(step), _) => tape.complete(&step),
            (None, Some(node)) => add(tape, Event::NodeUndone { node, undone: vec![], left: vec![] }),
            (None, None) => break,
        }
    }
}

fn succeeds(tape: &mut Tape, nodes: &[NodeView], pods: &[PodView]) {
    to_the_end(tape, nodes, pods);
    assert!(matches!(next(tape.state()), Next::Succeed), "{:?}", next(tape.state()));
}

fn failed(code: &str, message: &str) -> StopReason {
    StopReason { code: code.into(), message: message.into(), ..failure() }
}

/// The failure is judged, and the run goes on without the node.
fn set_aside(tape: &mut Tape, step: StepId, reason: StopReason) -> NodeName {
    add(tape, Event::StepFailed { step, reason });
    let Next::SetAside { node, step, reason } = next(tape.state()) else {
        panic!("{:?}", next(tape.state()))
    };
    add(tape, Event::NodeSetAside { node: node.clone(), step, reason: *reason });
    node
}

#[test]
fn a_number_of_workers_that_is_none_changes_nothing() {
    let mut tape = fleet(|_| ());
    let drain = until(&mut tape, &[], "workers/dgx031/drain");
    for value in ["0", "-1", "200%", "NaN", "", "two"] {
        let set = Event::OptionSet { name: MAX_UNAVAILABLE.into(), value: value.into(), by: "jane".into() };
        let text = tape.add(set).unwrap_err().to_string();
        assert!(text.contains("max-unavailable") && text.contains("a number of workers from 1"), "{text}");
    }
    assert_eq!((tape.state().max_unavailable, tape.todo().first()), (2, Some(&drain)));
    assert_eq!(cordoned(&tape), ["dgx031"], "its lane is at work");
    let nodes = views(&tape);
    succeeds(&mut tape, &nodes, &[]);
    assert_eq!(cordoned(&tape), Vec::<String>::new());
}

fn window(json: serde_json::Value) -> Window {
    serde_json::from_value(json).unwrap()
}

fn night() -> Window {
    window(serde_json::json!({"days": [], "from": "22:00", "to": "06:00", "zone": "UTC"}))
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_clock_that_jumps_over_the_window_begins_nothing_and_ends_what_has_begun() {
    let mut tape = fleet(|i| {
        i.options.max_unavailable = 1;
        i.options.batches = Some(Policy { windows: vec![night()], ..Policy::default() });
    });
    let nodes = views(&tape);
    let look = |tape: &mut Tape, now: &str| {
        let event = choose(tape.state(), &nodes, &[], &[], time(now))?;
        add(tape, event.clone());
        Some(event)
    };
    // Two lanes of workers are chosen at night: the first worker, and the next one.
    let mut chosen = vec![];
    while chosen.len() < 2 {
        match batch_due(tape.state()) {
            true => {
                let event = look(&mut tape, "2026-11-27T23:00:00Z");
                let of_workers =
                    tape.state().phase().is_some_and(|p| ["canary", "workers"].contains(&p.name.as_str()));
                if of_workers {
                    chosen.extend(nodes_of(event));
                }
            }
            false => {
                let step = tape.todo()[0].clone();
                tape.complete(&step);
            }
        }
    }
    let begun = chosen[1].clone();
    while !tape.todo()[0].as_str().ends_with("/drain") {
        let step = tape.todo()[0].clone();
        tape.complete(&step);
    }
    assert_eq!(cordoned(&tape), std::slice::from_ref(&begun));
    // The clock jumps to the next noon: the lane that has begun goes on to its end.
    while !batch_due(tape.state()) {
        let step = tape.todo()[0].clone();
        tape.complete(&step);
    }
    assert_eq!(cordoned(&tape), Vec::<String>::new());
    let Some(Event::BatchWaits { until, .. }) = look(&mut tape, "2026-11-28T12:00:00Z") else { panic!() };
    assert_eq!(until, Some(time("2026-11-28T22:00:00Z")));
    // It jumps over the window to the morning after, then back before it.
    for (now, opens) in
        [("2026-11-29T07:00:00Z", "2026-11-29T22:00:00Z"), ("2026-11-28T21:00:00Z", "2026-11-28T22:00:00Z")]
    {
        let Some(Event::BatchWaits { until, .. }) = look(&mut tape, now) else { panic!("{now}") };
        assert_eq!(until, Some(time(opens)), "{now}");
        assert!(tape.todo().is_empty() && cordoned(&tape).is_empty(), "{now}");
    }
    assert!(matches!(look(&mut tape, "2026-11-30T01:00:00Z"), Some(Event::BatchChosen { .. })));
}

fn group(name: &str, selector: &str, windows: Vec<Window>) -> Group {
    Group {
        name: name.into(),
        selector: Some(selector.into()),
        category: None,
        max_unavailable: "1".parse().unwrap(),
        canary: 0,
        canary_soak_seconds: 0,
        windows,
        order: None,
        max_failed: None,
    }
}

/// Rack r1 has dgx030 and dgx031, rack r2 has the others.
#[test]
fn a_group_whose_windows_are_closed_waits_and_the_others_go_on() {
    let once =
        |date: &str| window(serde_json::json!({"date": date, "from": "08:00", "to": "12:00", "zone": "UTC"}));
    let noon = time("2026-11-27T12:00:00Z");
    for (windows, pauses) in [(vec![night()], false), (vec![once("2026-11-01")], true)] {
        let groups = vec![group("late", "rack=r2", windows)];
        let mut tape = fleet(|i| {
            i.options.canary = 0;
            i.options.batches = Some(Policy { groups, ..Policy::default() });
        });
        let nodes = views(&tape);
        let mut taken = vec![];
        let end = loop {
            match batch_due(tape.state()) {
                true => {
                    let Some(event) = choose(tape.state(), &nodes, &[], &[], noon) else { break None };
                    add(&mut tape, event.clone());
                    match event {
                        Event::BatchChosen { nodes, .. } => {
                            taken.extend(nodes.iter().map(ToString::to_string))
                        }
                        Event::BatchWaits { why, .. } if why.is_empty() => {}
                        other => {
                            while let Some(step) = tape.todo().first().cloned() {
                                tape.complete(&step);
                            }
                            break Some(other);
                        }
                    }
                }
                false => {
                    let step = tape.todo()[0].clone();
                    tape.complete(&step);
                }
            }
        };
        assert_eq!(taken, ["dgx030", "dgx031"]);
        assert_eq!(cordoned(&tape), Vec::<String>::new());
        let rows = crate::view::status(
            &tape.state().plan.cluster,
            noon,
            Some(tape.state()),
            &seen(&["dgx031", "dgx032"]),
            60,
        );
        let reasons: Vec<_> = rows.nodes.iter().map(|row| (row.state.as_str(), row.reason.clone())).collect();
        match (pauses, end) {
            (false, Some(Event::BatchWaits { why, until })) => {
                assert_eq!(why, "no window of group \"late\" is open in which a lane still ends");
                assert_eq!(until, Some(time("2026-11-27T22:00:00Z")));
                let waits = "waits for a window of group \"late\" until 2026-11-27T22:00:00Z";
                assert_eq!(reasons, [("upgraded", None), ("pending", Some(waits.into()))]);
            }
            (true, Some(Event::RunPaused { reason, .. })) => {
                assert_eq!((reason.code.as_str(), reason.next.as_str()), ("no-window", "podlift abort"));
                assert!(reason.message.starts_with("no window of group \"late\" opens again"), "{reason:?}");
            }
            (_, other) => panic!("{other:?}"),
        }
    }
}

fn seen(nodes: &[&str]) -> Vec<crate::view::SeenNode> {
    let of = |node: &&str| crate::view::SeenNode {
        facts: std::sync::Arc::new(crate::testing::facts(node, false)),
        at: Timestamp::UNIX_EPOCH,
        connected: true,
    };
    nodes.iter().map(of).collect()
}

#[test]
fn a_gang_larger_than_the_limit_is_interrupted_once_and_its_nodes_come_back() {
    let pods = gang(&["dgx031", "dgx032", "dgx033"]);
    let mut tape = fleet(|_| ());
    until_workers(&mut tape, &pods);
    let nodes = views(&tape);
    succeeds(&mut tape, &nodes, &pods);
    assert_eq!(cordoned(&tape), Vec::<String>::new());
    let taken: Vec<&NodeName> = tape.state().batches.iter().flat_map(|batch| &batch.nodes).collect();
    assert_eq!(taken.len(), taken.iter().collect::<std::collections::BTreeSet<_>>().len(), "each node once");
    let report = crate::view::report(tape.state(), now(&tape));
    assert_eq!(report.interrupted.iter().map(|job| job.times).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_gang_with_a_deferred_node_leaves_that_node_as_it_is() {
    let pods = gang(&["dgx031", "dgx032"]);
    let mut tape = fleet(|_| ());
    until_workers(&mut tape, &pods);
    add(&mut tape, defer("dgx032"));
    let nodes = views(&tape);
    let before = tape.state().left_cordoned(&name("dgx032"));
    succeeds(&mut tape, &nodes, &pods);
    assert!(!before && !tape.state().left_cordoned(&name("dgx032")), "it was never touched");
    assert!(tape.state().batches.iter().all(|batch| !batch.nodes.contains(&name("dgx032"))));
    assert_eq!(cordoned(&tape), Vec::<String>::new());
    assert_eq!(crate::view::report(tape.state(), now(&tape)).interrupted.len(), 1);
}

/// The deferral comes while both lanes of the gang are on their way.
#[test]
fn a_node_of_a_gang_that_is_deferred_in_the_middle_is_given_back() {
    let pods = gang(&["dgx031", "dgx032"]);
    let mut tape = fleet(|_| ());
    until(&mut tape, &pods, "workers/dgx032/drain");
    assert!(tape.state().left_cordoned(&name("dgx032")));
    add(&mut tape, defer("dgx032"));
    let undo: Vec<_> = tape.state().to_undo().map(|(node, keeps)| (node.clone(), keeps)).collect();
    assert_eq!(undo, [(name("dgx032"), false)], "its cordon goes");
    let nodes = views(&tape);
    succeeds(&mut tape, &nodes, &pods);
    assert_eq!(cordoned(&tape), Vec::<String>::new());
}

#[test]
fn a_pod_group_whose_pods_are_gone_holds_and_interrupts_nothing() {
    let gone = [GangView { id: "ml/PodGroup/llm".into(), min_member: Some(4), pods: Some(4) }];
    let mut tape = fleet(|_| ());
    until_workers(&mut tape, &[]);
    let nodes = views(&tape);
    let event = choose(tape.state(), &nodes, &[], &gone, now(&tape));
    let Some(Event::BatchChosen { interrupts, jobs, gpu_seconds, .. }) = event else { panic!("{event:?}") };
    assert_eq!((interrupts.len(), jobs.len(), gpu_seconds), (0, 0, 0));
    succeeds(&mut tape, &nodes, &[]);
    assert_eq!(cordoned(&tape), Vec::<String>::new());
}

/// The Node object goes away while its pods are evicted.
#[test]
fn a_node_that_is_deleted_in_the_middle_of_its_drain_keeps_no_other_node() {
    let mut tape = fleet(|i| i.options.max_failed = Some("3".parse().unwrap()));
    let drain = until(&mut tape, &[], "workers/dgx031/drain");
    let gone = set_aside(&mut tape, drain, failed("node-missing", "there is no Node dgx031"));
    let nodes: Vec<NodeView> = views(&tape).into_iter().filter(|view| view.name != gone).collect();
    succeeds(&mut tape, &nodes, &[]);
    assert_eq!(cordoned(&tape), ["dgx031"], "the cordon of a failed worker stays, and is named");
    let summary = crate::view::summary(tape.state());
    assert_eq!(
        summary.failed.iter().map(|f| (f.name.as_str(), f.cordoned)).collect::<Vec<_>>(),
        [("dgx031", true)]
    );
    assert!(tape.state().batches.iter().flat_map(|batch| &batch.nodes).count() == 4, "all others were taken");
}

#[test]
fn a_pod_that_is_stuck_terminating_stops_its_lane_and_a_deferral_gives_the_node_back() {
    let stuck =
        "drain of dgx031 is not over: ml/a, terminating since 2026-11-27T08:00:00Z, held by finalizer x/y";
    let mut tape = fleet(|_| ());
    let drain = until(&mut tape, &[], "workers/dgx031/drain");
    add(&mut tape, Event::StepFailed { step: drain.clone(), reason: failed("drain-blocked", stuck) });
    // The other lane of the batch goes on to its end, and then the run pauses with the pod's name.
    while let Some(step) = tape.todo().first().cloned() {
        tape.complete(&step);
    }
    let reason = match next(tape.state()) {
        Next::Pause(reason) => *reason,
        other => panic!("{other:?}"),
    };
    assert!(reason.message.contains("held by finalizer x/y"), "{reason:?}");
    add(&mut tape, Event::RunPaused { reason, by: None, now: false });
    assert_eq!(cordoned(&tape), ["dgx031"], "a retry needs it");
    let mut retried = tape.state().clone();
    retried = apply(
        Some(retried),
        &tape.state().run,
        now(&tape),
        &Event::RetryAsked { step: Some(drain), by: "jane".into(), repair_dpkg: false },
    )
    .unwrap();
    assert!(!matches!(retried.status, RunStatus::Paused { .. }));
    add(&mut tape, defer("dgx031"));
    assert_eq!(cordoned(&tape), Vec::<String>::new(), "its cordon is taken away");
    assert_eq!(
        tape.state().to_undo().map(|(node, keeps)| (node.as_str(), keeps)).collect::<Vec<_>>(),
        [("dgx031", false)]
    );
}
