//! The active head node dies in the middle of what its agent has begun there: of the work in an image, of an update of a provisioner, of an
//! imageupdate. It comes back, or the other head takes over, whose agent has no memory of the op.

use crate::crash_everywhere::{strike_all, unstruck};
use podlift_tests::crash::{Baseline, StepAt, Strike, When, with_images};
use podlift_tests::pod::{Pod, Victim};

/// Kinds of the head node's steps, by the beginnings of their verbs.
const KINDS: [&str; 11] = [
    "image-clone",
    "image-lock",
    "image-source",
    "image-packages",
    "image-provisioners",
    "image-unlock",
    "assign-image",
    "sync",
    "category-image",
    "bcm-version",
    "learn-config",
];

/// Records at which the head node's steps begin, the first of each kind: another image or node takes the same way.
pub fn begins(base: &Baseline) -> Vec<u64> {
    let first = |kind: &&str| {
        let of_kind =
            |at: &&StepAt| !at.done && at.step.rsplit('/').next().is_some_and(|v| v.starts_with(*kind));
        base.steps.iter().find(of_kind).map(|at| at.record)
    };
    KINDS.iter().filter_map(first).collect()
}

/// Each head has the images on its own disk, as it last got them.
fn heads_differ() -> Pod {
    let pod = with_images();
    pod.world.bcm(|b| b.heads_differ = true);
    pod
}

fn along(memory_lost: bool) {
    let base = unstruck(with_images);
    let begins = begins(&base);
    assert!(begins.len() >= KINDS.len() - 1, "{begins:?} of {:?}", base.steps);
    let strike = |n: u64| Strike { when: When::During(n), victim: Victim::HeadPower, memory_lost };
    strike_all(heads_differ, &base, begins.len() / 2, begins.iter().copied().map(strike));
}

#[test]
fn head_that_comes_back() {
    along(false);
}

#[test]
fn head_failover() {
    along(true);
}
