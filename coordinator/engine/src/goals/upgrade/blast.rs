//! What the work on a node affects: evicted pods and their owners, GPUs in use, jobs that lose a member, budgets that block.

use super::budget::{self, Budgets};
use crate::goals::PlanInput;
use crate::inventory::Inventory;
use crate::jobs::{least, members};
use crate::program::{Blast, Gang};
use crate::survey::PodView;
use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

/// The effects on every chosen node from which a drain would evict something.
pub(super) fn of(input: &PlanInput, chosen: &Inventory) -> BTreeMap<NodeName, Blast> {
    let Ok(cluster) = &input.cluster_survey else { return BTreeMap::new() };
    let Ok(pods) = &cluster.pods else { return BTreeMap::new() };
    let budgets = Budgets::new(cluster.budgets.as_deref().unwrap_or_default());
    let (by_node, mut sizes) = (by_node(pods), members(pods));
    // Pods that work alone are no gang, whatever object they share.
    for gang in cluster.gangs.iter().filter(|gang| least(gang) == Some(1)) {
        sizes.remove(&gang.id);
    }
    let wanted: BTreeSet<&NodeName> = chosen.nodes.iter().map(|n| &n.name).collect();
    let nodes = by_node.into_iter().filter(|(node, _)| wanted.contains(node));
    nodes
        .map(|(node, pods)| (node.clone(), one(&pods, &budgets, &sizes)))
        .filter(|(_, blast)| *blast != Blast::default())
        .collect()
}

/// The pods of each node.
pub(super) fn by_node(pods: &[PodView]) -> BTreeMap<&NodeName, Vec<&PodView>> {
    let mut out: BTreeMap<&NodeName, Vec<&PodView>> = BTreeMap::new();
    for pod in pods {
        if let Some(node) = &pod.node {
            out.entry(node).or_default().push(pod);
        }
    }
    out
}

fn one(pods: &[&PodView], budgets: &Budgets, sizes: &BTreeMap<String, u32>) -> Blast {
    let going: Vec<&PodView> = pods.iter().copied().filter(|p| p.evicted()).collect();
    let mut out = Blast {
        evicted: going.iter().map(|p| p.full_name()).collect(),
        gpus: going.iter().map(|p| p.gpus).sum(),
        storage: going.iter().find(|p| p.is_osd()).map(|p| p.namespace.clone()),
        gpu_users: going.iter().filter_map(|p| gpu_user(p)).collect(),
        budgets: budget::obstacles(pods, budgets).into_iter().map(|o| o.what).collect(),
        bare: going.iter().filter(|p| p.bare()).map(|p| p.full_name()).collect(),
        empty_dirs: going.iter().filter(|p| !p.empty_dirs.is_empty()).map(|p| p.full_name()).collect(),
        ..Blast::default()
    };
    let mut gangs: BTreeMap<String, u32> = BTreeMap::new();
    for pod in going.iter().filter(|p| !p.finished) {
        if let Some(owner) = &pod.owner {
            *out.workloads.entry(format!("{}/{owner}", pod.namespace)).or_default() += 1;
        }
        if let Some(gang) = &pod.gang {
            *gangs.entry(format!("{}/{gang}", pod.namespace)).or_default() += 1;
        }
    }
    let split = gangs.into_iter().filter_map(|(name, here)| {
        let elsewhere = sizes.get(&name)?.saturating_sub(here);
        (elsewhere > 0).then_some(Gang { name, here, elsewhere })
    });
    out.gangs = split.collect();
    out
}

/// `namespace/name (how)` of a pod that uses a GPU without requesting it.
pub(super) fn gpu_user(pod: &PodView) -> Option<String> {
    let how = pod.gpu_by.as_ref().filter(|_| pod.gpus == 0 && !pod.finished)?;
    Some(format!("{} ({how})", pod.full_name()))
}
