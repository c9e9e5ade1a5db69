//! Every control-plane node is Ready, because kubeadm refuses otherwise on every node (preflight ControlPlaneNodesReady). A worker that is
//! not Ready lets the others pass, and is deferred if it is still away at the end.

use super::View;
use crate::inventory::{NodeEntry, NodeRole};
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    view.nodes().filter(|n| !n.view.ready).map(judge).collect()
}

fn judge(node: &NodeEntry) -> Finding {
    let (name, message) = (&node.name, &node.view.ready_message);
    let (severity, evidence) = match node.role {
        NodeRole::Worker => (
            Severity::Warning,
            format!(
                "node is not Ready: {message}. The run lets the others pass, and defers it if it is still away then"
            ),
        ),
        NodeRole::ControlPlane => (
            Severity::Blocker,
            format!(
                "node is not Ready: {message}. kubeadm changes no node while a control-plane node is not Ready (preflight ControlPlaneNodesReady). If the machine is gone for good, podlift node lost {name} shows the commands that take it out of the cluster, and the next plan covers the others"
            ),
        ),
    };
    finding("nodes-ready", severity, Some(name), evidence, &format!("kubectl describe node {name}"))
}
