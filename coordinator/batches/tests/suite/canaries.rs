//! Groups with a canary and a soak of their own.

use crate::fleet::{Fleet, join, noon};
use jiff::SignedDuration;
use podlift_batches::{Decision, Stage, forecast};
use serde_json::json;

const SIX: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
/// a, b and c are the group.
const POOL: [(&str, &str); 3] = [("a", "x"), ("b", "x"), ("c", "x")];

/// At most 4 of six nodes together, and of the group x as many as there are.
fn fleet(canary: u32, soak: u64) -> Fleet {
    Fleet::new(4, &SIX).label("pool", &POOL).policy(json!({"groups": [{"name": "x", "selector": "pool=x",
        "max-unavailable": "100%", "canary": canary, "canary-soak-seconds": soak}]}))
}

#[test]
fn the_others_of_a_group_begin_when_its_canary_is_finished() {
    let first = fleet(1, 0).batch();
    assert_eq!(join(&first.nodes), "a d e f");
    assert_eq!(first.why, "4 nodes without a job; the canary of group x");
    let begun = fleet(1, 0).stage("a", Stage::AtWork).stage("d", Stage::Over);
    assert_eq!(begun.clone().next(), "e f", "the group waits, and others do not");
    let waits = begun.stage("e", Stage::AtWork).stage("f", Stage::Over);
    let want = "group x waits for its canary: its other nodes begin when 1 node of it is finished";
    assert_eq!(waits.waits(), (want.into(), None));
    assert_eq!(waits.finished("a", 0).next(), "b c");
    assert_eq!(fleet(2, 0).next(), "a b d e");
    assert_eq!(fleet(2, 0).finished("a", 90).next(), "b d e f", "one more");
    assert_eq!(fleet(0, 0).next(), "a b c d");
}

#[test]
fn a_soak_is_waited_for_with_its_end() {
    let soaks = fleet(2, 3600).finished("a", 90).finished("b", 20);
    assert_eq!(soaks.clone().next(), "d e f");
    let rest = ["d", "e", "f"].into_iter().fold(soaks, |fleet, node| fleet.stage(node, Stage::AtWork));
    let until = noon() + SignedDuration::from_mins(40);
    let want = "group x waits after its canary: 2 nodes of it are finished, and its other nodes begin 1 h 0 min later";
    assert_eq!(rest.waits(), (want.into(), Some(until)));
    assert_eq!(Fleet { now: until, ..rest }.next(), "c");
    let odd =
        fleet(1, 90).finished("a", 1).stage("d", Stage::Out).stage("e", Stage::Out).stage("f", Stage::Out);
    assert!(odd.waits().0.ends_with("its other nodes begin 90 s later"), "{:?}", odd.waits());
}

#[test]
fn a_node_that_is_left_out_is_no_canary_and_one_whose_end_is_unknown_counts_for_nothing() {
    let out = fleet(1, 0).stage("a", Stage::Out);
    assert_eq!(out.next(), "b d e f");
    assert_eq!(fleet(1, 0).stage("a", Stage::Over).next(), "b d e f");
}

#[test]
fn a_failed_canary_keeps_its_group_back_and_the_others_go_on() {
    let failed = fleet(2, 0).finished("a", 60).failed("b");
    assert_eq!(failed.clone().next(), "d e f");
    let over = ["d", "e", "f"].into_iter().fold(failed, |fleet, node| fleet.finished(node, 5));
    let want = "b of the canary of group x failed before 2 nodes of it are finished, so the policy leaves its other nodes out";
    match over.clone().decide() {
        Decision::Leave { nodes, why } => assert_eq!((join(&nodes).as_str(), why.as_str()), ("c", want)),
        other => panic!("{other:?}"),
    }
    assert_eq!(forecast(&over.scene()).not_taken[&crate::fleet::name("c")], want);
    // The retry of the node ends well.
    let mut again = over;
    again.worker("b").failed = false;
    assert_eq!(again.finished("b", 0).next(), "c");
    let later = fleet(1, 0).finished("a", 60).failed("b");
    assert_eq!(later.next(), "c d e f", "a failure after the canary is no failure of the canary");
}

#[test]
fn a_canary_as_large_as_its_group_holds_nothing_back() {
    for canary in [3, 4, u32::MAX] {
        let fleet = fleet(canary, 3600);
        assert_eq!(fleet.clone().next(), "a b c d");
        assert_eq!(fleet.order(), ["a b c d", "e f"]);
    }
}

#[test]
fn a_gang_is_not_divided_for_a_canary() {
    let gangs = fleet(1, 0).gang("g/ab", &["a", "b"], 1);
    assert_eq!(gangs.clone().next(), "c d e f", "the single node is the canary");
    let alone = gangs.stage("c", Stage::Out).stage("d", Stage::AtWork).stage("e", Stage::AtWork);
    assert_eq!(alone.stage("f", Stage::Over).next(), "a b", "no smaller canary is left");
    let all = fleet(1, 0).gang("g/abc", &["a", "b", "c"], 1);
    assert_eq!(all.order(), ["d e f", "a b c"]);
    let large = Fleet { max: 2, ..fleet(1, 0).gang("g/abc", &["a", "b", "c"], 1) };
    assert_eq!(large.order(), ["d e", "a f", "b c"], "a gang that never fits begins with one node");
}

#[test]
fn a_forecast_has_the_soak_of_a_group() {
    let rows = |fleet: &Fleet| -> Vec<String> {
        let row = |p: &podlift_batches::Planned| format!("{}: {}", p.starts_in_seconds, join(&p.batch.nodes));
        forecast(&fleet.scene()).batches.iter().map(row).collect()
    };
    assert_eq!(rows(&fleet(1, 0)), ["0: a d e f", "1800: b c"]);
    assert_eq!(rows(&fleet(1, 600)), ["0: a d e f", "2400: b c"]);
    // The lane of d ends while the group soaks.
    let beside = fleet(1, 600).finished("a", 5).stage("d", Stage::AtWork);
    assert_eq!(rows(&beside), ["0: e f", "300: b", "1800: c"]);
}
