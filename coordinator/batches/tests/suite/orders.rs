//! Which nodes are next, and why.

use crate::fleet::{Fleet, noon};
use jiff::SignedDuration;
use podlift_batches::{Decision, Stage};
use serde_json::json;

const FIVE: [&str; 5] = ["a", "b", "c", "d", "e"];

#[test]
fn idle_nodes_are_first_then_those_that_lose_the_least_for_a_node() {
    let fleet = Fleet::new(1, &FIVE)
        .job("ns/Job/long", &["a"], 100)
        .job("ns/Job/short", &["c"], 1)
        .with("ns/Job/spare", &["d"], 50, |job| job.preemptible = true)
        .with("ns/Deployment/web", &["e"], 1000, |job| job.gpus = 0);
    assert_eq!(fleet.clone().order(), ["b", "e", "d", "c", "a"]);
    let by_name = fleet.policy(json!({"order": "as-planned"}));
    assert_eq!(by_name.order(), ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_person_who_works_on_a_node_comes_after_a_job_that_loses_as_much() {
    let fleet = Fleet::new(1, &["a", "b"])
        .with("ns/Notebook/x", &["a"], 1, |job| job.interactive = true)
        .job("ns/Job/y", &["b"], 1);
    assert_eq!(fleet.order(), ["b", "a"]);
}

#[test]
fn a_job_of_unknown_age_has_just_begun() {
    let fleet =
        Fleet::new(1, &["a", "b", "c"])
            .job("ns/Job/x", &["a"], 1)
            .with("ns/Job/y", &["b"], 0, |job| job.since = None);
    assert_eq!(fleet.order(), ["c", "b", "a"]);
}

#[test]
fn the_nodes_of_a_gang_go_together_and_wait_for_room() {
    let fleet = Fleet::new(3, &FIVE).gang("ns/PyTorchJob/train", &["a", "c", "e"], 1);
    // b and d are idle; the gang does not fit beside them.
    assert_eq!(fleet.clone().order(), ["b d", "a c e"]);
    let busy = fleet.clone().stage("b", Stage::AtWork).stage("d", Stage::Over);
    assert_eq!(busy.decide(), Decision::Nothing, "room for two of three nodes");
    let batch = fleet.stage("b", Stage::Over).stage("d", Stage::Over).batch();
    assert_eq!(batch.interrupts, ["ns/PyTorchJob/train"]);
    assert_eq!(batch.gpu_seconds, 24 * 3600);
    assert_eq!(
        batch.why,
        "3 nodes with the least to lose; the nodes of a gang go together: ns/PyTorchJob/train"
    );
    let reason = &batch.reasons[&crate::fleet::name("c")];
    assert_eq!(reason, "runs ns/PyTorchJob/train (24 GPUs, 1 h 0 min, gang on 3 nodes)");
}

#[test]
fn gangs_that_overlap_are_one_unit() {
    let fleet = Fleet::new(3, &FIVE).gang("g/1", &["a", "b"], 1).gang("g/2", &["b", "e"], 1);
    assert_eq!(fleet.clone().order(), ["c d", "a b e"]);
    // Together they do not fit, but each of them does: nothing else goes between their nodes.
    let fleet = Fleet { max: 2, ..fleet };
    assert_eq!(fleet.order(), ["c d", "a b", "e"]);
}

#[test]
fn pods_that_do_not_depend_on_each_other_are_lost_one_by_one() {
    let fleet = Fleet::new(1, &["a", "b", "c"]).job("ns/Deployment/serve", &["a", "b", "c"], 3);
    let batch = fleet.batch();
    assert_eq!((batch.nodes.len(), batch.gpu_seconds), (1, 8 * 3 * 3600));
    // That one pod was interrupted says nothing about the others.
    let mut again = fleet.job("ns/Job/x", &["b"], 100);
    again.interrupted.insert("ns/Deployment/serve".into(), noon());
    assert_eq!(again.next(), "a");
}

#[test]
fn a_job_that_was_interrupted_goes_last_and_what_is_left_of_one_goes_next() {
    let fleet = Fleet::new(1, &["a", "b", "c"])
        .gang("ns/Gang/moved", &["a"], 1)
        .job("ns/Job/long", &["b"], 500)
        .gang("ns/Gang/rest", &["c"], 800);
    assert_eq!(fleet.clone().order(), ["a", "b", "c"]);
    let mut later = fleet;
    later.interrupted.insert("ns/Gang/moved".into(), noon() - SignedDuration::from_hours(2));
    later.interrupted.insert("ns/Gang/rest".into(), noon() - SignedDuration::from_hours(2));
    let batch = later.batch();
    assert_eq!((batch.nodes[0].as_str(), batch.gpu_seconds), ("c", 0), "its work is lost already");
    assert!(batch.interrupts.is_empty());
    assert_eq!(later.order(), ["c", "b", "a"]);
}

#[test]
fn batches_grow_after_each_other() {
    let names: Vec<String> = (10..30).map(|n| format!("n{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let fleet = Fleet::new(8, &names).policy(json!({"grow": true}));
    let sizes =
        |fleet: Fleet| -> Vec<usize> { fleet.order().iter().map(|nodes| nodes.split(' ').count()).collect() };
    assert_eq!(sizes(fleet.clone()), [1, 2, 4, 8, 5]);
    let busy = fleet.clone().stage("n10", Stage::AtWork);
    assert_eq!(busy.decide(), Decision::Nothing, "the first batch is not over");
    let full = Fleet { batches_done: 3, ..busy };
    assert_eq!(full.batch().nodes.len(), 7, "at the limit, lanes begin where there is room");
    // A gang is not divided for a small batch.
    let gangs = fleet.gang("g", &names, 1);
    let gangs = Fleet { max: 20, ..gangs };
    assert_eq!(sizes(gangs), [20]);
}

/// Of units that lose as much, a smaller one takes no room for which a larger one waits.
#[test]
fn smaller_gangs_wait_behind_a_larger_one_that_waits_for_lanes() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let fleet = Fleet::new(4, &names)
        .stage("a", Stage::AtWork)
        .gang("g/large", &["b", "c", "d", "e"], 1)
        .gang("g/small", &["f", "g"], 1)
        .job("j/h", &["h"], 1)
        .job("j/i", &["i"], 1);
    let idle = |mut fleet: Fleet, node: &str| {
        fleet.jobs.retain(|job| !job.nodes.contains_key(&crate::fleet::name(node)));
        fleet
    };
    let aged = |mut fleet: Fleet, hours: i64| {
        let since = fleet.now - SignedDuration::from_hours(hours);
        fleet.jobs.iter_mut().filter(|job| job.id != "g/large").for_each(|job| job.since = Some(since));
        fleet
    };
    let racks = |fleet: Fleet, racks: &[(&str, &str)]| {
        fleet
            .label("rack", racks)
            .policy(json!({"groups": [{"name": "one", "selector": "rack=r1", "max-unavailable": 4}]}))
    };
    let next = |fleet: Fleet| match fleet.decide() {
        Decision::Take(batch) => crate::fleet::join(&batch.nodes),
        Decision::Nothing => String::new(),
        other => panic!("{other:?}"),
    };
    let over = fleet.clone().stage("a", Stage::Over);
    let cases = [
        ("the large gang waits for one lane, and the others wait behind it", fleet.clone(), ""),
        ("its turn", over.clone(), "b c d e"),
        ("an idle node is of another rank and does not wait", idle(fleet.clone(), "h"), "h"),
        (
            "jobs that lose more are of another rank: they take what it leaves",
            aged(fleet.clone(), 2),
            "f g h",
        ),
        ("so are jobs that lose less", aged(fleet.clone(), 0), "f g h"),
        ("a node that is down holds it back, and no lane: the others go", over.clone().down("a"), "f g h"),
        ("a gang that never fits takes what there is", Fleet { max: 3, ..fleet.clone() }, "b c"),
        (
            "by name no unit is larger than another",
            fleet.clone().policy(json!({"order": "as-planned"})),
            "f g h",
        ),
        (
            "what waits for its group's room stops its own group only",
            racks(
                Fleet { max: 8, ..fleet.clone() },
                &[("a", "r1"), ("b", "r1"), ("c", "r1"), ("d", "r1"), ("e", "r1"), ("f", "r1")],
            ),
            "h i",
        ),
    ];
    for (what, fleet, want) in cases {
        assert_eq!(next(fleet), want, "{what}");
    }
}

#[test]
fn a_limit_that_passes_makes_no_gang_too_large() {
    let skip = json!({"gangs": {"too-large": "skip"}});
    let fleet = Fleet::new(3, &FIVE).policy(skip).gang("g", &["a", "c", "e"], 1);
    let one = Fleet { lanes: 1, ..fleet.clone() };
    assert_eq!(one.clone().next(), "b", "as many as may begin at present");
    assert_eq!(one.clone().stage("b", Stage::AtWork).decide(), Decision::Nothing);
    let last = one.stage("b", Stage::Over).stage("d", Stage::Over);
    assert_eq!(last.next(), "a c e", "a gang that is larger goes alone");
    let none = Fleet { lanes: 0, ..fleet };
    assert!(none.waits().0.starts_with("no lane may begin at present"));
}

#[test]
fn the_order_of_the_inputs_does_not_matter() {
    let fleet = Fleet::new(2, &FIVE).gang("g/1", &["d", "e"], 1).job("j/1", &["a"], 1).job("j/2", &["b"], 1);
    let mut turned = fleet.clone();
    turned.workers.reverse();
    turned.jobs.reverse();
    assert_eq!(fleet.batch(), turned.batch());
}
