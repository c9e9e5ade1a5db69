//! A control-plane node that boots between any two of its steps: until its image is the new one, BCM writes the old packages to it, and the
//! next step sees and mends that.

use crate::crash_everywhere::{strike_all, unstruck};
use podlift_tests::crash::{Baseline, StepAt, Strike, When, with_images};
use podlift_tests::pod::{Pod, Victim};

const NODE: &str = "/runai-01/";

/// The records at which the node's own steps of the upgrade are done: the gaps.
fn gaps(base: &Baseline) -> Vec<u64> {
    let disrupts = |at: &StepAt| at.step.starts_with("control-plane/") || at.step.starts_with("kubelets/");
    let mine = base.steps.iter().filter(|at| at.done && at.step.contains(NODE) && disrupts(at));
    mine.map(|at| at.record).collect()
}

/// What a node gets at a boot comes from the passive head's copies.
fn by_passive() -> Pod {
    let pod = with_images();
    pod.world.bcm(|b| b.boot_by_passive = true);
    pod
}

#[test]
fn image_control_plane() {
    let base = unstruck(with_images);
    let gaps = gaps(&base);
    assert!(gaps.len() >= 10, "{gaps:?} of {:?}", base.steps);
    let strike = |n: u64| Strike { when: When::Right(n), victim: Victim::Plane, memory_lost: false };
    strike_all(by_passive, &base, gaps.len(), gaps.iter().copied().map(strike));
}
