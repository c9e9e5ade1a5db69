//! Gangs that go on with fewer pods than they have.

use crate::fleet::{Fleet, name, noon};
use jiff::SignedDuration;
use podlift_batches::{Decision, Job, Stage, forecast};
use serde_json::json;

const SIX: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const FOUR: [&str; 4] = ["a", "b", "c", "d"];

/// The gang g has one pod with 8 GPUs on each of a, b, c and d, and works for an hour.
fn fleet(max: u32, least: u32) -> Fleet {
    Fleet::new(max, &SIX).elastic("g", &FOUR, least).job("j/e", &["e"], 9).job("j/f", &["f"], 9)
}

#[test]
fn a_gang_that_keeps_enough_pods_is_not_interrupted_and_loses_its_share() {
    let batch = fleet(6, 3).batch();
    assert_eq!(crate::fleet::join(&batch.nodes), "a e f", "one of its pods is spare");
    assert_eq!((batch.interrupts, batch.shrinks), (vec!["j/e".into(), "j/f".into()], vec!["g".to_string()]));
    assert_eq!(batch.gpu_seconds, 8 * 3600 + 2 * 8 * 9 * 3600);
    assert!(batch.why.ends_with("a gang that goes on with fewer pods: g"), "{}", batch.why);
    let reason = &batch.reasons[&name("a")];
    assert_eq!(reason, "runs g (32 GPUs, 1 h 0 min, gang on 4 nodes that goes on with 3 of its 4 pods)");
    assert_eq!(fleet(6, 2).next(), "a b e f");
    let all = fleet(6, 4).batch();
    assert_eq!(
        (all.nodes.len(), all.interrupts.len(), all.shrinks.len()),
        (6, 3, 0),
        "it needs all of its pods"
    );
}

#[test]
fn the_nodes_of_an_elastic_gang_go_one_after_another_where_a_rigid_one_needs_room_for_all() {
    let one = Fleet { max: 1, ..Fleet::new(1, &FOUR).elastic("g", &FOUR, 3) };
    assert_eq!(one.clone().next(), "a");
    let skip = json!({"gangs": {"too-large": "skip"}});
    assert_eq!(one.clone().policy(skip.clone()).next(), "a", "it is not too large");
    let rigid = Fleet::new(1, &FOUR).gang("g", &FOUR, 1).policy(skip);
    assert!(matches!(rigid.decide(), Decision::Leave { .. }));
    let planned = forecast(&one.scene()).batches;
    let rows: Vec<_> = planned
        .iter()
        .map(|p| (p.batch.nodes.len(), p.batch.interrupts.len(), p.batch.shrinks.len()))
        .collect();
    assert_eq!(rows, [(1, 0, 1); 4]);
}

#[test]
fn pods_that_are_away_count_and_their_gang_waits_for_them() {
    // The pod of a is still there, is gone and pending, and has come back on x.
    let at_work = |nodes: &[&str], wanted: Option<u32>| {
        let mut fleet = Fleet::new(3, &FOUR).elastic("g", &FOUR, 3).stage("a", Stage::AtWork);
        fleet.jobs[0].nodes = nodes.iter().map(|node| (name(node), 1)).collect();
        fleet.jobs[0].wanted = wanted;
        fleet
    };
    let cases = [
        ("still there", at_work(&FOUR, None), ""),
        ("pending", at_work(&["b", "c", "d"], Some(4)), ""),
        ("nobody knows that it is pending", at_work(&["b", "c", "d"], None), ""),
        ("back", at_work(&["b", "c", "d", "x"], Some(4)), "b"),
    ];
    for (what, fleet, want) in cases {
        let got = match fleet.decide() {
            Decision::Take(batch) => crate::fleet::join(&batch.nodes),
            Decision::Nothing => String::new(),
            other => panic!("{other:?}"),
        };
        assert_eq!(got, want, "{what}");
    }
}

#[test]
fn a_gang_whose_pods_do_not_come_back_is_interrupted_as_a_whole() {
    let mut fleet = Fleet::new(4, &FOUR).elastic("g", &["b", "c", "d"], 3).stage("a", Stage::Over);
    fleet.jobs[0].wanted = Some(4);
    let batch = fleet.batch();
    assert_eq!((batch.nodes.len(), batch.interrupts, batch.shrinks.len()), (3, vec!["g".to_string()], 0));
    // What is left of an interrupted gang is lost, however many pods it keeps.
    let mut lost = Fleet::new(2, &FOUR).elastic("g", &FOUR, 1);
    lost.interrupted.insert("g".into(), noon() - SignedDuration::from_mins(5));
    let batch = lost.batch();
    assert_eq!(
        (batch.nodes.len(), batch.interrupts.len(), batch.shrinks.len(), batch.gpu_seconds),
        (2, 0, 0, 0)
    );
}

#[test]
fn a_rigid_gang_that_needs_too_many_nodes_of_an_elastic_one_interrupts_it_once() {
    // r joins a, b and c, and g can do without one pod.
    let fleet = Fleet::new(4, &FOUR).elastic("g", &FOUR, 3).gang("r", &["a", "b", "c"], 1);
    let batch = fleet.batch();
    assert_eq!(crate::fleet::join(&batch.nodes), "a b c d");
    assert_eq!((batch.interrupts.len(), batch.shrinks.len()), (2, 0));
    let spare = Fleet::new(4, &FOUR).elastic("g", &FOUR, 1).gang("r", &["a", "b", "c"], 1);
    let batch = spare.stage("d", Stage::Over).batch();
    assert_eq!(
        (batch.nodes.len(), batch.interrupts, batch.shrinks),
        (3, vec!["r".into()], vec!["g".to_string()])
    );
}

#[test]
fn a_job_says_itself_whether_it_goes_on() {
    let job = |pods: [u32; 2], least: Option<u32>, gang| Job {
        nodes: [(name("a"), pods[0]), (name("b"), pods[1])].into(),
        min_member: least,
        gang,
        ..Job::default()
    };
    let cases = [
        (job([1, 3], Some(3), true), [true, false], false),
        (job([1, 1], Some(1), true), [true, true], true),
        (job([1, 1], Some(0), true), [true, true], true),
        (job([1, 1], Some(2), true), [false, false], false),
        (job([1, 1], None, true), [false, false], false),
        (job([1, 1], Some(1), false), [false, false], false),
    ];
    for (job, want, elastic) in cases {
        let got = ["a", "b"].map(|node| job.goes_on_without(&[name(node)]));
        assert_eq!((got, job.is_elastic()), (want, elastic), "{job:?}");
    }
    let old: Job = serde_json::from_value(json!({"id": "g", "gang": true})).unwrap();
    assert_eq!((old.min_member, old.wanted), (None, None));
    assert!(!serde_json::to_string(&old).unwrap().contains("min_member"), "absent as before");
}
