//! Pins the properties that steps declare. A step that does not declare its change would run before the backup is sealed, and a reference
//! to a verb or line that no step has would stay undetected.

use super::{StepKind, Touches};
use crate::inventory::NodeRole;
use crate::view::checks::LINES;
use std::collections::BTreeSet;

fn verbs(of: impl Fn(&StepKind) -> bool) -> BTreeSet<String> {
    StepKind::samples().iter().filter(|kind| of(kind)).map(|kind| kind.step().verb()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn everything_but_these_waits_for_the_seal() {
    let nothing = [
        "flag-diff",
        "verify-api",
        "node-reachable",
        "node-ready",
        "devices-back",
        "soak",
        "verify-fleet",
        "verify-node",
        "compare",
        "calico-stable",
        "validate",
    ];
    assert_eq!(verbs(|kind| kind.step().touches() == Touches::Nothing), set(&nothing));
    let backup = ["etcd-snapshot", "manifest-backup", "seal-backup"];
    assert_eq!(verbs(|kind| kind.step().touches() == Touches::Backup), set(&backup));
    assert_eq!(verbs(|kind| kind.step().seals()), set(&["seal-backup"]));
}

#[test]
fn each_line_of_the_sign_off_has_a_step_and_each_step_a_line_that_is_there() {
    let roles = [NodeRole::ControlPlane, NodeRole::Worker];
    let samples = StepKind::samples();
    let filled: BTreeSet<&str> =
        samples.iter().flat_map(|kind| roles.map(|role| kind.step().sign_off(role))).flatten().collect();
    assert_eq!(filled, LINES.iter().copied().collect());
}

#[test]
fn each_counterpart_is_a_step() {
    let all = verbs(|_| true);
    let samples = StepKind::samples();
    let counterparts: Vec<&str> = samples.iter().filter_map(|kind| kind.step().counterpart()).collect();
    assert!(counterparts.contains(&"uncordon") && counterparts.contains(&"guard-disarm"), "{counterparts:?}");
    assert!(counterparts.iter().all(|verb| all.contains(*verb)), "{counterparts:?} of {all:?}");
}
