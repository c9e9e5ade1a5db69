//! Inputs that allow nothing, or less than they seem to.

use crate::fleet::{Fleet, join, noon};
use jiff::SignedDuration;
use podlift_batches::{Decision, Stage};
use serde_json::json;

const FOUR: [&str; 4] = ["a", "b", "c", "d"];

fn large(too_large: &str) -> Fleet {
    Fleet::new(2, &["a", "b", "c", "d", "e"])
        .gang("ns/MPIJob/big", &["a", "c", "d"], 9)
        .policy(json!({"gangs": {"too-large": too_large, "wait-seconds": 3600}}))
}

#[test]
fn no_node_may_be_unavailable() {
    let why = Fleet::new(0, &FOUR).waits().0;
    assert_eq!(why, "no lane may begin at present: max-unavailable, or the lanes of an approval, are 0");
    assert_eq!(Fleet::new(0, &[]).decide(), Decision::Nothing);
}

#[test]
fn nodes_that_are_down_count() {
    let fleet = Fleet::new(2, &FOUR).down("a").down("b");
    assert_eq!(fleet.clone().next(), "a b", "they take nothing more away");
    let over = fleet.stage("a", Stage::Over).stage("b", Stage::Over);
    let want =
        "a and b are not available, which leaves no room for c: at most 2 of the workers may be unavailable";
    assert_eq!(over.waits(), (want.into(), None));
    let out = over.clone().stage("a", Stage::Out);
    assert_eq!(out.waits().0, want, "one that is left out counts, unless the caller says that it does not");
    let one = Fleet { max: 3, ..over };
    assert_eq!(one.clone().next(), "c");
    let gang = one.stage("c", Stage::Over).gang("g", &["d"], 1);
    assert_eq!(gang.next(), "d");
}

#[test]
fn a_gang_larger_than_the_limit_is_evicted_once_with_its_nodes_adjacent() {
    let fleet = large("evict");
    assert_eq!(fleet.clone().order(), ["b e", "a c", "d"]);
    // Its pods are still on the last node when the lanes of the others are over.
    let mut after = fleet.job("ns/Job/new", &["b"], 0);
    for node in ["a", "c", "e"] {
        after.worker(node).stage = Stage::Over;
    }
    after.jobs[0].nodes.retain(|node, _| node.as_str() == "d");
    after.interrupted.insert("ns/MPIJob/big".into(), noon() - SignedDuration::from_mins(30));
    after.max = 1;
    let batch = after.batch();
    assert_eq!((batch.nodes[0].as_str(), batch.interrupts.len(), batch.gpu_seconds), ("d", 0, 0));
    assert_eq!(batch.why, "1 node of gangs that this run has interrupted already");
}

#[test]
fn a_gang_larger_than_the_limit_gets_time_to_end() {
    let mut fleet = large("wait");
    assert_eq!(fleet.next(), "b e");
    fleet.worker("b").stage = Stage::Over;
    fleet.worker("e").stage = Stage::AtWork;
    assert_eq!(fleet.decide(), Decision::Nothing, "a lane is at work");
    fleet.worker("e").stage = Stage::Over;
    let (why, until) = fleet.waits();
    assert!(why.starts_with("a, c and d: ns/MPIJob/big has more nodes than may be unavailable"), "{why}");
    assert_eq!(until, Some(noon() + SignedDuration::from_hours(1)));
    let late = Fleet { now: until.unwrap(), ..fleet.clone() };
    assert_eq!(late.next(), "a c", "its time is over");
    fleet.jobs.clear();
    assert_eq!(fleet.next(), "a c", "it has ended");
}

#[test]
fn a_gang_larger_than_the_limit_is_left_out() {
    let mut fleet = large("skip");
    let mut left = vec![];
    loop {
        match fleet.decide() {
            Decision::Take(batch) => {
                batch.nodes.iter().for_each(|node| fleet.worker(node.as_str()).stage = Stage::Over)
            }
            Decision::Leave { nodes, why } => {
                assert!(why.contains("the policy leaves its nodes out"), "{why}");
                nodes.iter().for_each(|node| fleet.worker(node.as_str()).stage = Stage::Out);
                left.push(join(&nodes));
            }
            Decision::Nothing => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(left, ["a c d"], "together, because a part of it would fit");
}

#[test]
fn all_nodes_that_the_policy_leaves_out_are_left_out_at_once() {
    let never = |job: &mut podlift_batches::Job| job.never = Some("keep=true".into());
    let policy = json!({"gangs": {"too-large": "skip"}, "never-interrupt-seconds": 60});
    let fleet = Fleet::new(1, &FOUR).policy(policy).gang("g", &["b", "d"], 1);
    let fleet = fleet.with("ns/Job/x", &["a"], 1, never).with("ns/Job/y", &["c"], 1, never);
    let left = |fleet: &Fleet| match fleet.decide() {
        Decision::Leave { nodes, .. } => join(&nodes),
        other => panic!("{other:?}"),
    };
    assert_eq!(left(&fleet), "b d", "the jobs that must not be interrupted have time");
    let late = Fleet { now: noon() + SignedDuration::from_mins(1), ..fleet };
    assert_eq!(left(&late), "a b c d");
}

#[test]
fn an_operator_is_asked_about_a_gang_larger_than_the_limit() {
    let mut fleet = large("ask").stage("b", Stage::Over).stage("e", Stage::Over);
    match fleet.decide() {
        Decision::Ask { why, jobs } => {
            assert_eq!(jobs, ["ns/MPIJob/big"]);
            assert!(why.ends_with("the policy asks an operator"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    fleet.agreed.insert("ns/MPIJob/big".into());
    assert_eq!(fleet.next(), "a c");
}

#[test]
fn a_job_that_must_not_be_interrupted_holds_its_nodes() {
    let fleet = Fleet::new(4, &FOUR).with("ns/Job/keep", &["b"], 1, |job| {
        job.never = Some("podlift.io/never-interrupt=true".into());
    });
    let gang = fleet.clone().gang("ns/Gang/x", &["b", "d"], 1);
    assert_eq!(fleet.next(), "a c d");
    assert_eq!(gang.next(), "a c", "a gang is not interrupted for a part of its nodes");
    let mut last = gang.stage("a", Stage::Over).stage("c", Stage::Over);
    let want = "b and d: ns/Job/keep (podlift.io/never-interrupt=true) must not be interrupted; podlift defer b leaves its node out";
    let until = noon() + SignedDuration::from_hours(24);
    assert_eq!(last.waits(), (want.into(), Some(until)));
    match (Fleet { now: until, ..last.clone() }).decide() {
        Decision::Leave { nodes, why } => {
            assert_eq!(join(&nodes), "b d");
            assert!(
                why.ends_with("has not ended in the time of the policy, which leaves its nodes out"),
                "{why}"
            );
        }
        other => panic!("{other:?}"),
    }
    last.jobs.remove(0);
    assert_eq!(last.next(), "b d");
}

#[test]
fn a_gang_with_a_node_that_is_left_out_has_its_other_nodes_together() {
    let fleet = Fleet::new(2, &FOUR).gang("g", &["b", "c", "d"], 1).stage("b", Stage::Out);
    assert_eq!(fleet.order(), ["a", "c d"]);
}

#[test]
fn a_gang_whose_pods_are_gone_and_a_node_that_is_unknown_mean_nothing() {
    let fleet = Fleet::new(2, &FOUR).gang("gone", &[], 1).gang("elsewhere", &["x", "y"], 1);
    let fleet = fleet.with("no pods", &["a", "b"], 1, |job| {
        job.gang = true;
        job.nodes.values_mut().for_each(|pods| *pods = 0);
    });
    let batch = fleet.batch();
    assert_eq!((batch.nodes.len(), batch.interrupts.len(), batch.gpu_seconds), (2, 0, 0));
    assert_eq!(batch.reasons[&crate::fleet::name("a")], "no job with a GPU runs on it");
}

#[test]
fn a_clock_that_jumps_over_the_window_waits_for_the_next_one() {
    let window = json!({"windows": [{"from": "22:00", "to": "02:00", "zone": "Europe/Berlin"}]});
    let at = |now: &str| Fleet { now: now.parse().unwrap(), ..Fleet::new(2, &FOUR).policy(window.clone()) };
    let opens = |text: &str| Some(text.parse().unwrap());
    let (why, until) = at("2026-11-30T20:59:00Z").waits();
    assert_eq!(until, opens("2026-11-30T21:00:00Z"));
    assert_eq!(why, "no window is open in which a lane still ends");
    assert_eq!(at("2026-11-30T21:00:00Z").next(), "a b");
    assert_eq!(at("2026-12-01T09:00:00Z").waits().1, opens("2026-12-01T21:00:00Z"), "jumped");
    assert_eq!(at("2026-12-01T00:31:00Z").waits().1, opens("2026-12-01T21:00:00Z"), "half an hour is left");
    // It says so while lanes are at work as well, and back in time nothing begins either.
    let busy = at("2026-12-01T09:00:00Z").stage("a", Stage::AtWork);
    assert_eq!(busy.waits().1, opens("2026-12-01T21:00:00Z"));
    assert_eq!(at("1970-01-01T12:00:00Z").waits().1, opens("1970-01-01T21:00:00Z"));
}

#[test]
fn a_window_that_never_opens_for_a_lane_is_named() {
    let windows = [
        (
            json!([{"date": "2026-11-29", "from": "08:00", "to": "12:00", "zone": "UTC"}]),
            "no window opens again",
        ),
        (
            json!([{"from": "22:00", "to": "22:29", "zone": "UTC"}]),
            "no window to come is as long as a lane, which is expected to take 30 min",
        ),
    ];
    for (windows, want) in windows {
        let (why, until) = Fleet::new(2, &FOUR).policy(json!({"windows": windows})).waits();
        assert!(why.starts_with(want) && until.is_none(), "{why}");
    }
}
