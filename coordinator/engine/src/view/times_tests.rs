//! What a lane takes beside those of its class, and how long a step may take where its class is slow.

use super::status::{NodeRow, SeenNode, status};
use crate::goals::build;
use crate::machine::{Event, RunState, StepStatus, apply};
use crate::program::Evidence;
use crate::steps::Cx;
use crate::testing::{facts, input, name};
use jiff::{SignedDuration, Timestamp};
use podlift_model::{RunId, StepId};
use std::sync::Arc;
use std::time::Duration;

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

/// A run over four nodes of one model, and as many of another one.
fn run() -> RunState {
    let mut i = input();
    i.options.canary = 0;
    for node in ["gb200-1", "gb200-2", "gb200-3", "gb200-4"] {
        let mut entry = i.inventory.nodes.iter().find(|n| n.name == name("dgx033")).unwrap().clone();
        (entry.name, entry.view.name) = (name(node), name(node));
        entry.facts = Some(facts(node, false));
        i.inventory.nodes.push(entry);
    }
    i.inventory.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    for node in i.inventory.nodes.iter_mut().filter(|n| !n.view.control_plane) {
        let h100 = node.name.as_str().starts_with("dgx");
        let (key, model) = match h100 {
            true => ("nvidia.com/gpu.product", "NVIDIA-H100"),
            false => ("node.kubernetes.io/instance-type", "gb200"),
        };
        node.view.labels.insert(key.into(), model.into());
    }
    let event = Event::RunStarted { plan: Box::new(build(&i).unwrap()), by: "me".into() };
    apply(None, &RunId::new("r1").unwrap(), at(0), &event).unwrap()
}

fn id(node: &str, verb: &str) -> StepId {
    StepId::new(format!("workers/{node}/{verb}")).unwrap()
}

/// The lane of a node as it would be if it had begun at the start of the run: over after so many seconds, or at work still.
fn lane(state: &mut RunState, node: &str, seconds: Option<i64>) {
    let steps: Vec<StepId> = state
        .steps_of(&name(node))
        .filter(|(spec, _)| spec.phase == "workers")
        .map(|(spec, _)| spec.id.clone())
        .collect();
    for step in steps {
        let cordons = step.as_str().ends_with("/cordon") || step.as_str().ends_with("/node-reachable");
        if !(cordons || seconds.is_some()) {
            continue;
        }
        let step = state.steps.get_mut(&step).unwrap();
        step.status = StepStatus::Done { evidence: Evidence::Seen { what: String::new() } };
        (step.began, step.ended) = (Some(at(0)), Some(at(if cordons { 0 } else { seconds.unwrap() })));
    }
}

fn rows(state: &RunState, now: i64, nodes: &[&str]) -> Vec<NodeRow> {
    let seen = |node: &&str| SeenNode { facts: Arc::new(facts(node, false)), at: at(now), connected: true };
    let seen: Vec<SeenNode> = nodes.iter().map(seen).collect();
    status(&state.plan.cluster, at(now), Some(state), &seen, 60).nodes
}

#[test]
fn a_lane_is_late_beside_those_of_its_own_class() {
    let mut state = run();
    for (node, seconds) in
        [("dgx030", 100), ("dgx031", 110), ("gb200-1", 900), ("gb200-2", 1000), ("gb200-3", 1100)]
    {
        lane(&mut state, node, Some(seconds));
    }
    ["dgx032", "gb200-4"].into_iter().for_each(|node| lane(&mut state, node, None));
    let told = |state: &RunState, now, node: &str| {
        let row = rows(state, now, &[node]).remove(0);
        (row.seconds, row.usual_seconds, row.late)
    };
    assert_eq!(told(&state, 50, "dgx033"), (None, None, false), "its lane has not begun");
    // Two lanes of a class are too few to call another one late.
    assert_eq!(told(&state, 9000, "dgx032"), (Some(9000.0), Some(110.0), false));
    assert_eq!(told(&state, 2200, "gb200-4"), (Some(2200.0), Some(1000.0), false));
    assert_eq!(told(&state, 2201, "gb200-4"), (Some(2201.0), Some(1000.0), true));
    lane(&mut state, "dgx033", Some(120));
    assert_eq!(told(&state, 240, "dgx032"), (Some(240.0), Some(110.0), false));
    assert_eq!(told(&state, 241, "dgx032"), (Some(241.0), Some(110.0), true));
    assert_eq!(told(&state, 241, "dgx030"), (Some(100.0), Some(110.0), false));
}

/// The longest wait of a step on a node.
fn limit(state: &RunState, node: &str, verb: &str) -> Duration {
    let step = state.spec(&id(node, verb)).unwrap();
    step.kind.step().policy(&Cx { state, step, ahead: 0, acted: false }).wait
}

#[test]
fn a_class_that_is_slow_in_a_step_gets_more_time_for_it() {
    let (mut state, run) = (run(), RunId::new("r1").unwrap());
    let configured = Duration::from_secs(state.plan.options.wait_seconds.into());
    let verb = "node-ready";
    let mut takes = |node: &str, verb: &str, from: i64, seconds: i64| {
        let waits = Event::StepWaiting { step: id(node, verb), reason: "boots".into() };
        let done =
            Event::StepDone { step: id(node, verb), evidence: Evidence::Seen { what: "Ready".into() } };
        for (time, event) in [(from, waits), (from + seconds, done)] {
            state = apply(Some(state.clone()), &run, at(time), &event).unwrap();
        }
        state.clone()
    };
    takes("dgx030", verb, 0, 700);
    let state = takes("dgx031", verb, 1000, 800);
    assert_eq!(limit(&state, "dgx033", verb), configured, "two are too few");
    let state = takes("dgx032", verb, 2000, 600);
    assert_eq!(limit(&state, "dgx033", verb), Duration::from_secs(1600), "twice what the slowest took");
    assert_eq!(limit(&state, "gb200-1", verb), configured, "another class");
    assert_eq!(limit(&state, "dgx033", "devices-back"), configured, "another step");
    assert_eq!(limit(&state, "dgx033", "cordon"), Duration::MAX, "a turn has no limit");
    // Quick ones make no limit shorter.
    for (n, node) in ["gb200-1", "gb200-2", "gb200-3"].into_iter().enumerate() {
        takes(node, verb, 3000 + 100 * n as i64, 10);
    }
    let state = takes("dgx030", "devices-back", 4000, 10);
    assert_eq!(limit(&state, "gb200-4", verb), configured);
    // What was done again has the time between in it.
    let step = id("dgx030", verb);
    let lost = Event::EarlierLost {
        step: id("dgx030", "uncordon"),
        again: vec![verb.into()],
        reason: String::new(),
    };
    let state = apply(Some(state), &run, at(90_000), &lost).unwrap();
    let done = Event::StepDone { step, evidence: Evidence::Seen { what: "Ready".into() } };
    let state = apply(Some(state), &run, at(99_000), &done).unwrap();
    assert_eq!(limit(&state, "dgx033", verb), Duration::from_secs(1600));
}
