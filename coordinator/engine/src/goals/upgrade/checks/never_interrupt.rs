//! Pods whose owners forbid an interruption, by a label or an annotation that the site's policy names (`never-interrupt` in policy.toml).

use super::View;
use crate::goals::upgrade::blast;
use crate::inventory::NodeRole;
use crate::program::{Finding, NEVER_INTERRUPT, Severity, finding};
use crate::survey::PodView;
use podlift_model::NodeName;

pub const ID: &str = NEVER_INTERRUPT;

pub fn check(view: &View) -> Vec<Finding> {
    let Some(pods) = view.cluster().and_then(|c| c.pods.as_ref().ok()) else { return vec![] };
    let nodes = blast::by_node(pods).into_iter().filter(|(node, _)| view.chosen(node));
    nodes
        .filter_map(|(node, pods)| {
            let marked: Vec<String> = pods.iter().filter_map(|pod| marked(pod)).collect();
            let evidence =
                format!("their owners forbid that these pods are interrupted: {}", marked.join(", "));
            (!marked.is_empty())
                .then(|| finding(ID, Severity::Blocker, Some(node), evidence, &next(view, node)))
        })
        .collect()
}

/// Only a worker may be left out.
fn next(view: &View, node: &NodeName) -> String {
    match view.input.inventory.get(node).map(|n| n.role) {
        Some(NodeRole::Worker) => {
            format!("wait for their end, or leave the node out: {} --without {node}", view.again())
        }
        _ => "wait for their end".into(),
    }
}

/// `namespace/name (key=value)` of a pod that a drain would interrupt although its owner forbids it.
fn marked(pod: &PodView) -> Option<String> {
    let mark = pod.never_interrupt.as_ref().filter(|_| pod.evicted() && !pod.finished)?;
    Some(format!("{} ({mark})", pod.full_name()))
}
