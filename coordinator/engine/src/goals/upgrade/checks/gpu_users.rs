//! DaemonSets whose pods keep a GPU open. A drain leaves them on their node, and no request shows that they use its GPUs.

use super::View;
use crate::goals::upgrade::blast::gpu_user;
use crate::program::{Finding, Severity, finding};
use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

pub const ID: &str = "gpu-users";

pub fn check(view: &View) -> Vec<Finding> {
    let Some(pods) = view.cluster().and_then(|c| c.pods.as_ref().ok()) else { return vec![] };
    let mut sets: BTreeMap<String, BTreeSet<&NodeName>> = BTreeMap::new();
    for pod in pods.iter().filter(|p| p.daemon_set && (p.gpus > 0 || gpu_user(p).is_some())) {
        let (Some(owner), Some(node)) = (&pod.owner, &pod.node) else { continue };
        if view.chosen(node) {
            sets.entry(format!("{}/{owner}", pod.namespace)).or_default().insert(node);
        }
    }
    let said = |(set, nodes): (&String, &BTreeSet<&NodeName>)| {
        format!("{set} on {}", podlift_model::count(nodes.len(), "node"))
    };
    let list: Vec<String> = sets.iter().map(said).collect();
    let evidence = format!(
        "these DaemonSets keep GPUs open, and a drain leaves their pods running: {}",
        list.join(", ")
    );
    (!list.is_empty()).then(|| finding(ID, Severity::Note, None, evidence, "")).into_iter().collect()
}
