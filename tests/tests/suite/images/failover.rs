//! The active head node dies in the middle of what its agent has begun there: of the work in an image, of an update of a provisioner, of an
//! imageupdate. It comes back, or the other head takes over, whose agent has no memory of the op.

use crate::crash_everywhere::{strike_all, unstruck};
use podlift_tests::crash::{Baseline, StepAt, Strike, When, with_images};
use podlift_tests::pod::{Pod, Victim};

/// Kinds of the head node's steps.
const KINDS: [&str; 12] = [
    "image-clone",
    "image-lock",
    "image-source",
    "image-packages",
    "image-provisioners",
    "image-unlock",
    "assign-image",
    "sync-dry-run",
    "sync",
    "category-image",
    "bcm-version",
    "learn-config",
];

/// Records at which the head node's steps begin, the first and the last of each kind: other images and nodes between take the same way.
pub fn begins(base: &Baseline) -> Vec<u64> {
    let mut records: Vec<u64> = KINDS.iter().flat_map(|kind| ends(base, kind)).collect();
    records.sort_unstable();
    records.dedup();
    records
}

fn ends(base: &Baseline, kind: &str) -> impl Iterator<Item = u64> {
    // The longest kind that begins the verb: `sync-dry-run` is no `sync`.
    let kind_of =
        |verb: &str| KINDS.iter().filter(|k| verb.starts_with(**k)).max_by_key(|k| k.len()).copied();
    let mine = |at: &&StepAt| !at.done && at.step.rsplit('/').next().and_then(kind_of) == Some(kind);
    let all: Vec<u64> = base.steps.iter().filter(mine).map(|at| at.record).collect();
    assert!(!all.is_empty(), "no {kind} in {:?}", base.steps);
    [all.first().copied(), all.last().copied()].into_iter().flatten()
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
    assert!(begins.len() >= 15, "{begins:?} of {:?}", base.steps);
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
