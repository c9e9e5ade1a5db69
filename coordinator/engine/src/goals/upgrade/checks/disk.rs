//! Free space for three packages and, on a control-plane node, for three images and a snapshot.

use super::View;
use crate::inventory::NodeRole;
use crate::program::{Finding, Severity, finding};

const MIB: u64 = 1 << 20;

pub fn check(view: &View) -> Vec<Finding> {
    let nodes = view.nodes();
    nodes
        .filter_map(|n| {
            let free = n.facts.as_ref()?.free_bytes;
            let need = if n.role == NodeRole::ControlPlane { 2048 * MIB } else { 512 * MIB };
            let evidence = format!("{} MiB free below /var, {} MiB needed", free / MIB, need / MIB);
            (free < need).then(|| {
                let next = format!("ssh {} 'apt-get clean; crictl rmi --prune'", n.name);
                finding("disk", Severity::Blocker, Some(&n.name), evidence, &next)
            })
        })
        .collect()
}
