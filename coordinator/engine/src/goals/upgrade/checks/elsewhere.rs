//! Where displaced work goes: whether what is evicted finds as many devices on the other workers, by their number alone. Which nodes a pod
//! may use is the scheduler's decision, so pods that fit by number may wait all the same.

use super::View;
use crate::inventory::{NodeEntry, NodeRole};
use crate::program::{Finding, Severity, finding};
use crate::survey::PodView;
use podlift_model::{NodeName, count};
use std::collections::{BTreeMap, BTreeSet};

pub const ID: &str = "room-elsewhere";

/// Of one resource on one worker: what it offers, and what pods there have requested that a drain would evict and that come again.
#[derive(Clone, Copy, Default)]
struct Use {
    offers: u64,
    used: u64,
    comes_again: u64,
}

pub fn check(view: &View) -> Vec<Finding> {
    let Some(seen) = view.cluster().filter(|_| view.input.options.batches.is_some()) else { return vec![] };
    let (Ok(pods), Ok(hardware)) = (&seen.pods, &seen.hardware) else { return vec![] };
    let there = |n: &&NodeEntry| n.view.ready && !n.view.unschedulable;
    let workers: BTreeSet<&NodeName> =
        view.input.inventory.of_role(NodeRole::Worker).filter(there).map(|n| &n.name).collect();
    let mut uses: BTreeMap<&str, BTreeMap<&NodeName, Use>> = BTreeMap::new();
    for (node, offered) in hardware.iter().filter(|(node, _)| workers.contains(node)) {
        for (resource, amount) in &offered.allocatable {
            // Devices are counted; an amount with a unit is of something else.
            let Ok(offers) = amount.parse() else { continue };
            uses.entry(resource).or_default().entry(node).or_default().offers = offers;
        }
    }
    for (pod, node) in pods.iter().filter(|p| !p.finished).filter_map(|p| Some((p, p.node.as_ref()?))) {
        for (resource, amount) in &pod.requests {
            if let Some(entry) = uses.get_mut(resource.as_str()).and_then(|of| of.get_mut(node)) {
                entry.used += amount;
                entry.comes_again += if comes_again(pod) { *amount } else { 0 };
            }
        }
    }
    uses.iter().filter_map(|(resource, of)| short(view, resource, of)).collect()
}

fn comes_again(pod: &PodView) -> bool {
    pod.evicted() && pod.owner.is_some()
}

/// The finding if the fullest workers that may be away together hold more than the others have free.
fn short(view: &View, resource: &str, of: &BTreeMap<&NodeName, Use>) -> Option<Finding> {
    let mut due: Vec<(&NodeName, Use)> =
        of.iter().filter(|(node, _)| view.chosen(node)).map(|(node, of)| (*node, *of)).collect();
    due.sort_by_key(|(_, of)| std::cmp::Reverse(of.comes_again));
    due.truncate(view.input.options.max_unavailable as usize);
    let evicted: u64 = due.iter().map(|(_, of)| of.comes_again).sum();
    let away: BTreeSet<&NodeName> = due.iter().map(|(node, _)| *node).collect();
    let others = of.iter().filter(|(node, _)| !away.contains(*node));
    let free: u64 = others.map(|(_, of)| of.offers.saturating_sub(of.used)).sum();
    let evidence = format!(
        "while the fullest {} away, pods that want {evicted} {resource} find {free} free on the others, so the rest of them waits until nodes are back",
        match due.len() {
            1 => "worker is".to_string(),
            more => format!("{} are", count(more, "worker")),
        }
    );
    (evicted > free).then(|| finding(ID, Severity::Note, None, evidence, ""))
}
