//! Every node is Ready at the version of the run.

use super::check::{Check, Verdict, failed, open, passed};
use super::{Group, Scene};
use crate::doors::NodeView;
use crate::program::Severity;
use podlift_model::{KubeVersion, agree, count};
use std::collections::BTreeMap;

pub(super) const CHECK: Check = Check {
    id: "node-versions",
    title: "Nodes are Ready at the version",
    group: Group::Versions,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "kubectl get nodes -o wide";

fn judge(scene: &Scene) -> Verdict {
    let nodes = match &scene.nodes {
        Err(why) => return open(format!("the nodes can't be seen: {why}"), NEXT),
        Ok(nodes) if nodes.is_empty() => return open("the cluster lists no node", NEXT),
        Ok(nodes) => nodes,
    };
    let part: Vec<&NodeView> = nodes.iter().filter(|n| !scene.without.contains_key(&n.name)).collect();
    let Some(version) = scene.version.or_else(|| usual(&part)) else {
        return open("no kubelet reports a version", NEXT);
    };
    let fault = |node: &&NodeView| match (node.ready, node.kubelet) {
        (false, _) => Some(format!("{} is not Ready: {}", node.name, node.ready_message)),
        (true, None) => Some(format!("{} reports no version", node.name)),
        (true, Some(is)) if is != version => Some(format!("{} has {is}, not {version}", node.name)),
        (true, Some(_)) => None,
    };
    let faults: Vec<String> = part.iter().filter_map(fault).collect();
    let away = scene.without.iter().map(|(node, why)| format!("{node} is left out: {why}"));
    match faults.is_empty() {
        false => failed(faults, NEXT).and(away),
        true => {
            let (all, are) = (count(part.len(), "node"), agree(part.len(), "is", "are"));
            passed(format!("{all} {are} Ready at {version}")).and(away)
        }
    }
}

/// The version that most nodes have.
fn usual(nodes: &[&NodeView]) -> Option<KubeVersion> {
    let mut counts: BTreeMap<KubeVersion, usize> = BTreeMap::new();
    for version in nodes.iter().filter_map(|n| n.kubelet) {
        *counts.entry(version).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(version, n)| (*n, *version)).map(|(version, _)| version)
}
