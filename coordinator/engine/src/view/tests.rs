//! The views of a run that paused at its first node: rows, one node, all runs, and the rows that a selector keeps.

use super::node::{Around, nearest, subject};
use super::*;
use crate::goals::upgrade::build;
use crate::machine::{Event, Record, RunState, apply, seal};
use crate::program::StopReason;
use crate::testing::{input, name};
use jiff::Timestamp;
use podlift_model::heal::HealEvent;
use podlift_model::{ClusterName, Digest, RunId, StepId};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn cluster() -> ClusterName {
    ClusterName::new("runaicluster").unwrap()
}

fn seen() -> Vec<SeenNode> {
    let nodes = input().inventory.nodes;
    let facts = nodes.into_iter().filter_map(|n| n.facts);
    facts
        .map(|facts| SeenNode { connected: facts.node != name("dgx033"), facts: facts.into(), at: at(90) })
        .collect()
}

/// A run that failed on runai-01 after a heal there; the API server of another node does not answer.
fn paused(run: &str, from: i64) -> (RunState, Vec<Record>) {
    let (run, plan) = (RunId::new(run).unwrap(), Box::new(build(&input()).unwrap()));
    let step = StepId::new("backup/runai-01/etcd-snapshot").unwrap();
    let advertise = seen()[4].facts.advertise.clone().unwrap();
    let heal = HealEvent {
        id: "h1".into(),
        node: name("runai-01"),
        file: "kube-apiserver.yaml".into(),
        rules: vec!["etcd-servers-empty".into()],
        at: at(from + 2),
        latency_us: 900,
        before: Digest::of("a"),
        after: Digest::of("b"),
        diff: String::new(),
    };
    let reason = StopReason {
        code: "disk-full".into(),
        message: "no room".into(),
        detail: String::new(),
        undone: String::new(),
        next: "podlift retry".into(),
    };
    let events = [
        Event::RunStarted { plan, by: "eve".into() },
        Event::StepWaiting { step: step.clone(), reason: "etcd is busy".into() },
        Event::Healed { heal },
        Event::ApiDown { endpoint: advertise, why: "connection refused".into() },
        Event::AgentLost { node: name("dgx033") },
        Event::StepFailed { step, reason: reason.clone() },
        Event::RunPaused { reason, by: None, now: false },
    ];
    let (mut state, mut records): (Option<RunState>, Vec<Record>) = (None, vec![]);
    for (i, event) in events.into_iter().enumerate() {
        let now = at(from + i as i64);
        state = Some(apply(state, &run, now, &event).unwrap());
        records.push(seal(records.last(), now, Some(run.clone()), None, event));
    }
    (state.unwrap(), records)
}

fn fleet(state: &RunState) -> Status {
    status(&cluster(), at(100), Some(state), &seen(), 15)
}

fn selected(text: &str) -> Status {
    let (state, _) = paused("r1", 0);
    let mut status = fleet(&state);
    select(&mut status, Some(&state), &text.parse().unwrap(), text);
    status
}

fn names(status: &Status) -> Vec<&str> {
    status.nodes.iter().map(|n| n.name.as_str()).collect()
}

#[test]
fn a_selector_leaves_columns_and_labels() {
    for (text, want) in [
        ("state=failed", vec!["runai-01"]),
        ("role=worker,rack=r2", vec!["dgx032", "dgx033"]),
        ("rack in (r1),role notin (worker)", vec![]),
        ("connected=false", vec!["dgx033"]),
        ("stale", vec!["dgx030", "dgx031", "dgx032", "dgx033", "runai-01", "runai-02", "runai-03"]),
        ("stale=true", vec!["dgx033"]),
        ("version=v1.31.9,!gpu,name=dgx030", vec!["dgx030"]),
        ("guard!=steady", vec![]),
    ] {
        let status = selected(text);
        assert_eq!(names(&status), want, "{text}");
        let selection = status.selection.unwrap();
        assert_eq!((selection.matched as usize, selection.of), (want.len(), 7), "{text}");
        assert_eq!(selection.keys.is_empty(), !want.is_empty(), "keys are told only where nothing matched");
    }
    let keys = selected("nope").selection.unwrap().keys;
    assert_eq!(
        keys,
        ["connected", "guard", "kubernetes.io/hostname", "name", "rack", "role", "stale", "state", "version"]
    );
}

#[test]
fn no_plan_rests_on_labels() {
    let mut other = input();
    for node in &mut other.inventory.nodes {
        node.view.labels.insert("rack".into(), "moved".into());
    }
    assert_eq!(build(&other).unwrap().hash, build(&input()).unwrap().hash);
}

#[test]
fn one_node_with_everything_that_is_about_it() {
    let (state, records) = paused("r1", 0);
    let rows = fleet(&state).nodes;
    let of = |wanted: &str, events| {
        let seen = seen().into_iter().find(|n| n.facts.node == name(wanted)).unwrap();
        let row = rows.iter().find(|r| r.name == name(wanted)).unwrap().clone();
        let facts = &seen.facts;
        let mine = records.iter().filter(|r| {
            subject(&r.event)
                .is_some_and(|s| s == facts.node.as_str() || facts.advertise.as_deref() == Some(s))
        });
        let mine: Vec<Record> = mine.cloned().collect();
        let heals = mine.iter().cloned().filter_map(HealRecord::of).map(|r| r.heal).collect();
        let events = mine[mine.len().saturating_sub(events)..].to_vec();
        let around = Around { epoch: None, connected_since: Some(at(40)), events, heals };
        node(&cluster(), at(100), Some(&state), (&seen, row), around)
    };
    let first = of("runai-01", 20);
    assert_eq!((first.session_seconds, first.labels["rack"].as_str()), (Some(60), "r2"));
    assert_eq!(first.manifests.len(), 3);
    assert_eq!(first.manifests[0].health, "does not answer: connection refused");
    assert_eq!((first.heals.len(), first.steps[0].status.as_str()), (1, "failed"));
    assert_eq!((first.steps[0].evidence.as_str(), first.steps[1].status.as_str()), ("no room", "pending"));
    let told: Vec<&str> = first.events.iter().map(|r| r.event.name()).collect();
    assert_eq!(told, ["step-waiting", "healed", "api-down", "step-failed"]);
    assert_eq!(of("runai-01", 1).events[0].event.name(), "step-failed", "the last one");
    let lost = of("dgx033", 20);
    assert_eq!((lost.events.len(), lost.heals.len(), lost.manifests.len()), (1, 0, 0));
    assert!(of("dgx033", 0).events.is_empty());
}

#[test]
fn runs_are_told_newest_first() {
    let (old, new) = (paused("r1", 0).0, paused("r2", 500).0);
    let seen = runs(&cluster(), at(600), [&old, &new], vec![]);
    let told: Vec<_> =
        seen.runs.iter().map(|r| (r.summary.run.as_str(), r.seconds, r.nodes, r.deferred)).collect();
    assert_eq!(told, [("r2", 100.0, 7, 0), ("r1", 600.0, 7, 0)]);
    let text = serde_json::to_value(&seen).unwrap();
    assert_eq!(text["runs"][0]["status"], "paused", "a run's row is flat");
    assert_eq!(serde_json::from_value::<Runs>(text).unwrap(), seen);
}

#[test]
fn the_nearest_names() {
    let known = ["runai-01", "runai-02", "dgx030", "dgx031", "dgx130"];
    assert_eq!(nearest("runai01", known), ["runai-01", "runai-02"]);
    assert_eq!(nearest("dgx30", known), ["dgx030", "dgx130", "dgx031"]);
    assert!(nearest("completely-other", known).is_empty());
}

#[test]
fn what_each_agent_says_of_its_heal_beside_the_journals_history() {
    let (_, records) = paused("run-1", 100);
    let last: Vec<HealRecord> = records.into_iter().filter_map(HealRecord::of).collect();
    let history = HealHistory { last, heals: 7 };
    let of = |ask: HealAsk| heal(&cluster(), at(120), &seen(), history.clone(), &ask, 15);
    let seen = of(HealAsk::default());
    assert_eq!((seen.history[0].run.is_some(), seen.heals, seen.nodes.len()), (true, 7, 7));
    let stale =
        |node: &str| seen.nodes.iter().find(|n| n.node == name(node)).map(|n| (n.age_seconds, n.stale));
    assert_eq!((stale("dgx030"), stale("dgx033")), (Some((30, true)), Some((30, true))));
    assert_eq!(of(HealAsk { node: Some(name("runai-01")), ..HealAsk::default() }).nodes.len(), 1);
}
