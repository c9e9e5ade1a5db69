//! Groups with limits of their own, and domains of nodes.

use crate::fleet::Fleet;
use podlift_batches::{Decision, Stage};
use serde_json::json;

const RACKS: [(&str, &str); 6] =
    [("a", "r1"), ("b", "r2"), ("c", "r1"), ("d", "r2"), ("e", "r1"), ("f", "r2")];
const SIX: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn racks(max: u32, take: &str) -> Fleet {
    Fleet::new(max, &SIX).label("rack", &RACKS).policy(json!({"topology": {"label": "rack", "take": take}}))
}

#[test]
fn rack_by_rack() {
    let fleet = racks(2, "one-domain");
    assert_eq!(fleet.clone().order(), ["a c", "e", "b d", "f"]);
    // r2 loses less.
    let busy = fleet.clone().job("j/1", &["a"], 5).job("j/2", &["b"], 1);
    assert_eq!(busy.order(), ["d f", "b", "c e", "a"]);
    // A rack that has begun is finished first, and no other begins beside its last lane.
    let begun = fleet.clone().stage("b", Stage::Over);
    assert_eq!(begun.next(), "d f");
    let last = begun.stage("d", Stage::Over).stage("f", Stage::AtWork);
    assert_eq!(last.decide(), Decision::Nothing);
    // A node that must wait does not hold the other racks.
    let never = fleet.job("j/1", &["d"], 1).with("j/keep", &["a"], 1, |job| job.never = Some("k=v".into()));
    assert_eq!(never.order(), ["c e", "b f", "d"]);
}

#[test]
fn a_gang_in_two_racks_makes_them_one() {
    let fleet = racks(3, "one-domain").gang("g/1", &["a", "b"], 1);
    assert_eq!(fleet.order(), ["c d e", "a b f"]);
}

#[test]
fn nodes_without_the_label_are_one_domain_or_free() {
    let mut fleet = racks(6, "one-domain");
    for node in ["e", "f"] {
        fleet.worker(node).labels.clear();
    }
    assert_eq!(fleet.clone().order(), ["a c", "b d", "e f"]);
    let apart = fleet.policy(json!({"topology": {"label": "rack", "take": "one-of-each"}}));
    assert_eq!(apart.order(), ["a b e f", "c d"]);
}

#[test]
fn never_two_nodes_of_one_rack() {
    let fleet = racks(6, "one-of-each");
    assert_eq!(fleet.clone().order(), ["a b", "c d", "e f"]);
    assert_eq!(fleet.clone().stage("a", Stage::AtWork).next(), "b");
    // A node that is down takes its rack's turn; it may begin itself.
    assert_eq!(fleet.clone().down("e").next(), "b e");
    let over = fleet.clone().stage("e", Stage::Over).down("e").stage("b", Stage::Over);
    let over = over.stage("d", Stage::Over).stage("f", Stage::Over);
    let want = "e is not available, which leaves no room for a: at most 6 of the workers may be unavailable, never two of one rack";
    assert_eq!(over.waits().0, want);
    // A gang with two nodes in one rack never fits.
    let gang = fleet.gang("g/1", &["a", "c"], 1);
    assert_eq!(gang.order(), ["b e", "a d", "c f"]);
}

#[test]
fn a_group_has_its_own_limit() {
    let fleet = Fleet::new(4, &SIX).label("pool", &RACKS).policy(json!({"groups": [
        {"name": "one", "selector": "pool=r1", "max-unavailable": "34%"},
        {"name": "all", "selector": "pool=r2", "max-unavailable": "100%"}]}));
    assert_eq!(fleet.clone().order(), ["a b c d", "e f"]);
    let tight = fleet.policy(json!({"groups": [
        {"name": "one", "selector": "pool=r1", "max-unavailable": "1"}]}));
    assert_eq!(tight.clone().order(), ["a b d f", "c", "e"]);
    let down = tight.clone().down("c").stage("a", Stage::Over).stage("c", Stage::Over);
    let down = down.stage("b", Stage::Over).stage("d", Stage::Over).stage("f", Stage::Over);
    let want = "c is not available, which leaves no room for e: at most 4 of the workers may be unavailable, at most 1 of group one";
    assert_eq!(down.waits().0, want);
    let gang = tight.gang("g/1", &["a", "c"], 1);
    assert_eq!(gang.order(), ["b d e f", "a", "c"], "larger than the limit of its group");
}
