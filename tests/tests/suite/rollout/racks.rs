//! Nodes of racks: a whole rack together, or never two nodes of one rack.

use podlift_engine::machine::RunState;
use podlift_tests::rollout::{Rollout, names, of_workers, worker};
use podlift_tests::{ensure, paused};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const LABEL: &str = "topology.kubernetes.io/rack";
const RACKS: usize = 3;

/// Twelve workers in three racks, of which the names say nothing.
fn racks(take: &str) -> Rollout {
    let policy = json!({"max-unavailable": "4", "topology": {"label": LABEL, "take": take}});
    let rollout = Rollout::new(12, policy);
    (0..12).for_each(|i| rollout.label(&worker(i), LABEL, &format!("r{}", i % RACKS)));
    rollout
}

/// For each set of workers that were cordoned together, how many there were of each rack.
fn of_racks(rollout: &Rollout) -> Vec<BTreeMap<usize, usize>> {
    let control_planes = &rollout.world().shape.control_planes;
    let count = |nodes: &BTreeSet<String>| {
        let mut of = BTreeMap::new();
        let workers = nodes.iter().filter(|n| !control_planes.contains(n));
        workers.for_each(|n| *of.entry(rack(n)).or_insert(0) += 1);
        of
    };
    rollout.away().iter().map(count).collect()
}

fn rack(node: &str) -> usize {
    match (0..12).find(|i| worker(*i) == node) {
        Some(number) => number % RACKS,
        None => panic!("{node} is no worker of this test"),
    }
}

/// A rack that was never cordoned as a whole, but for its workers that went alone before all others.
fn never_whole(rollout: &Rollout, state: &RunState) -> Option<BTreeSet<String>> {
    let first: BTreeSet<&str> = of_workers(state).filter(|b| b.phase == "canary").flat_map(names).collect();
    let away = rollout.away();
    let whole = |of: usize| -> BTreeSet<String> {
        (0..12).map(worker).filter(|n| rack(n) == of && !first.contains(n.as_str())).collect()
    };
    (0..RACKS).map(whole).find(|nodes| !away.iter().any(|set| nodes.is_subset(set)))
}

#[test]
fn rack_by_rack() {
    let result = paused(async {
        let mut rollout = racks("one-domain");
        let state = rollout.succeed().await?;
        let mixed = of_racks(&rollout).into_iter().find(|of| of.len() > 1);
        ensure(mixed.is_none(), || format!("two racks at once: {mixed:?}"))?;
        let part = never_whole(&rollout, &state);
        ensure(part.is_none(), || format!("never away together: {part:?}"))?;
        rollout.used(4)
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn never_two_nodes_of_one_rack() {
    let result = paused(async {
        let mut rollout = racks("one-of-each");
        rollout.succeed().await?;
        let two = of_racks(&rollout).into_iter().find(|of| of.values().any(|n| *n > 1));
        ensure(two.is_none(), || format!("two nodes of one rack at once: {two:?}"))?;
        rollout.used(RACKS)
    });
    assert_eq!(result, Ok(()));
}
