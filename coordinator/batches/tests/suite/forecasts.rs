//! What a plan says about the batches to come.

use crate::fleet::{Fleet, join};
use podlift_batches::{Stage, forecast};
use serde_json::json;

const FOUR: [&str; 4] = ["a", "b", "c", "d"];

/// The batches as `start: nodes`, the end, and what is not taken.
fn seen(fleet: &Fleet) -> (Vec<String>, u64, Vec<String>) {
    let forecast = forecast(&fleet.scene());
    let row = |p: &podlift_batches::Planned| format!("{}: {}", p.starts_in_seconds, join(&p.batch.nodes));
    let left = forecast.not_taken.iter().map(|(node, why)| format!("{node}: {why}"));
    (forecast.batches.iter().map(row).collect(), forecast.ends_in_seconds, left.collect())
}

#[test]
fn lanes_follow_each_other() {
    let fleet = Fleet::new(2, &FOUR).job("j", &["a"], 1);
    assert_eq!(seen(&fleet), (vec!["0: b c".into(), "1800: a d".into()], 3600, vec![]));
    let begun = fleet.clone().stage("c", Stage::AtWork).stage("d", Stage::Over);
    assert_eq!(seen(&begun), (vec!["0: b".into(), "1800: a".into()], 3600, vec![]));
    assert_eq!(seen(&Fleet::new(2, &[])), (vec![], 0, vec![]));
    let grow = Fleet::new(4, &FOUR).policy(json!({"grow": true}));
    assert_eq!(seen(&grow).0, ["0: a", "1800: b c", "3600: d"]);
}

#[test]
fn the_first_batch_is_the_one_that_is_decided() {
    let fleet = Fleet::new(2, &FOUR).gang("g", &["b", "c"], 3).job("j", &["d"], 1);
    assert_eq!(forecast(&fleet.scene()).batches[0].batch, fleet.batch());
}

#[test]
fn a_large_gang_is_gone_after_its_first_nodes() {
    let fleet = Fleet::new(2, &FOUR).gang("g", &["a", "b", "c"], 3);
    let batches = forecast(&fleet.scene()).batches;
    let row = |p: &podlift_batches::Planned| (join(&p.batch.nodes), p.batch.interrupts.len());
    let rows: Vec<_> = batches.iter().map(row).collect();
    assert_eq!(rows, [("a d".into(), 1), ("b c".into(), 0)]);
}

#[test]
fn windows_move_the_batches() {
    let fleet = Fleet::new(2, &FOUR).policy(json!({"windows": [
        {"from": "22:00", "to": "22:45", "zone": "UTC"}]}));
    let (batches, end, left) = seen(&fleet);
    let (ten, day) = (10 * 3600, 24 * 3600);
    assert_eq!(batches, [format!("{ten}: a b"), format!("{}: c d", ten + day)]);
    assert_eq!((end, left), (ten + day + 1800, vec![]));
    let half = Fleet { now: "2026-11-30T12:00:00.5Z".parse().unwrap(), ..fleet };
    assert_eq!(seen(&half).0[0], format!("{ten}: a b"), "a part of a second is rounded up");
}

#[test]
fn what_is_not_taken_is_named() {
    let past = json!({"windows": [{"date": "2026-11-01", "from": "22:00", "to": "23:00", "zone": "UTC"}]});
    let keep = |job: &mut podlift_batches::Job| job.never = Some("keep=yes".into());
    let skip = |what: &str| json!({"gangs": {"too-large": what, "wait-seconds": 7200}});
    let gang = Fleet::new(1, &["a", "b"]).gang("g", &["a", "b"], 1);
    let cases = [
        (Fleet::new(0, &["a"]), 0, vec!["a: no lane may begin at present"]),
        (Fleet::new(1, &["a"]).policy(past), 0, vec!["a: no window opens again"]),
        (Fleet::new(1, &["a", "b"]).with("j", &["b"], 1, keep), 1, vec!["b: b: j (keep=yes) must not"]),
        (gang.clone().policy(skip("skip")), 0, vec!["a: g has more nodes than", "b: g has more nodes than"]),
        (gang.clone().policy(skip("ask")), 0, vec!["a: a and b: g has more", "b: a and b: g has more"]),
        (gang.policy(skip("wait")), 2, vec![]),
        (Fleet::new(1, &["a", "b"]).down("a").stage("a", Stage::Over), 0, vec!["b: a is not available"]),
    ];
    for (fleet, batches, want) in cases {
        let (got, _, left) = seen(&fleet);
        assert_eq!((got.len(), left.len()), (batches, want.len()), "{left:?}");
        for (left, want) in left.iter().zip(want) {
            assert!(left.starts_with(want), "{left}");
        }
    }
}
