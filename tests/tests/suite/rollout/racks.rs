//! Nodes of racks: a whole rack together, or never two nodes of one rack.

use podlift_tests::rollout::{Rollout, worker};
use podlift_tests::{ensure, paused};
use serde_json::json;
use std::collections::BTreeMap;

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
    let rack = |node: &String| (0..12).find(|i| worker(*i) == *node).unwrap_or(0) % RACKS;
    let count = |nodes: &std::collections::BTreeSet<String>| {
        let mut of = BTreeMap::new();
        nodes.iter().for_each(|n| *of.entry(rack(n)).or_insert(0) += 1);
        of
    };
    rollout.away().iter().map(count).collect()
}

#[test]
fn rack_by_rack() {
    let result = paused(async {
        let mut rollout = racks("one-domain");
        rollout.succeed().await?;
        let mixed = of_racks(&rollout).into_iter().find(|of| of.len() > 1);
        ensure(mixed.is_none(), || format!("two racks at once: {mixed:?}"))?;
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
