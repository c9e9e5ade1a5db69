//! Refuses to touch a node whose devices (GPUs, InfiniBand) are in use by something that the drain did not account for: a Slurm job, a debug
//! shell, a pod that came back. It rests on the node alone, so that it holds when the coordinator is wrong.
//!
//! Guarded are a restart of the kubelet, and the installation of packages after a drain. Downloads and image pulls are not: they change
//! nothing that runs, and a run makes them before the drain, beside the jobs. An op looks when it starts, and once more right before its
//! first change. A person can override a refusal for one node with a reason, which the op carries.

mod allowed;
mod judge;
mod place;
mod seen;

pub use allowed::AllowedUnit;

use crate::node::Node;
use crate::ops::Cx;
use judge::Verdict;
use podlift_model::op::{DeviceOverride, Package};
use podlift_model::{Failure, HostOp, agree, codes};
use tokio::time::Instant;

/// Waits until no device of the node is in use, for as long as the configuration says, and refuses then. `say` gets a line for people at
/// each further look. Returns what the op's evidence has to name: an override, or that the kubelet was down.
pub(crate) async fn clear(cx: &Cx<'_>, say: impl Fn(String)) -> Result<Option<String>, Failure> {
    let (node, op) = (cx.node, &cx.accepted.op);
    if !guards(op, node.is_worker()) {
        return Ok(None);
    }
    let accepted = op.devices().map(|devices| for_this_node(node, devices)).transpose()?;
    let config = &node.config.interlock;
    let until = Instant::now() + config.wait;
    loop {
        let verdict = judge::judge(&seen::look(node).await, &config.allow);
        if verdict.is_free() {
            return Ok(verdict.note);
        }
        if let Some(reason) = accepted {
            return Ok(Some(overridden(node, reason, &verdict)));
        }
        if Instant::now() >= until {
            return Err(refused(node, op, &verdict));
        }
        say(format!("devices are in use, waiting for their release: {}", verdict.reasons()));
        tokio::time::sleep(node.config.ops.poll).await;
    }
}

/// Whether the op needs a node without work on its devices. On a control-plane node a run upgrades kubeadm and the static pods without a
/// drain; only from the kubelet's package on is the node drained.
fn guards(op: &HostOp, worker: bool) -> bool {
    match op {
        HostOp::KubeletRestart { .. } => true,
        HostOp::PackageInstall { packages, .. } => {
            worker || packages.iter().any(|pin| pin.package == Package::Kubelet)
        }
        _ => false,
    }
}

/// The reason of an override for this node. One for another node is a mistake of its sender.
fn for_this_node<'a>(node: &Node, devices: &'a DeviceOverride) -> Result<&'a str, Failure> {
    let own = &node.config.node;
    if devices.node == *own {
        return Ok(&devices.reason);
    }
    let message = format!(
        "nothing was changed: the override for devices in use names {}, expected this node, {own}; give it for {own}",
        devices.node
    );
    Err(Failure::permanent(codes::INVALID_REQUEST, message))
}

fn overridden(node: &Node, reason: &str, verdict: &Verdict) -> String {
    let note = format!("devices were in use, and a person accepted that ({reason}): {}", verdict.reasons());
    tracing::warn!(node = %node.config.node, reason, held = verdict.reasons(), "devices in use are overridden");
    note
}

fn refused(node: &Node, op: &HostOp, verdict: &Verdict) -> Failure {
    let (name, what) = (&node.config.node, what(op));
    let (why, way) = match verdict.held.is_empty() {
        true => ("it can't be known whether devices of the node are in use", format!("mend that on {name}")),
        false => (
            "devices of the node are in use by what the drain did not account for",
            format!("wait for its end or end it (on {name}: `fuser -v /dev/nvidia* /dev/infiniband/*`)"),
        ),
    };
    let message = format!(
        "{what} on {name}: {why}: {}; {way}, then `podlift retry`; if it may be lost: `podlift retry --override-devices {name} --reason TEXT`",
        verdict.reasons()
    );
    Failure::operator(codes::DEVICES_HELD, message)
}

fn what(op: &HostOp) -> String {
    match op {
        HostOp::PackageInstall { packages, .. } => {
            let were = agree(packages.len(), "was", "were");
            format!("{} {were} not installed", crate::ops::shared::list(packages))
        }
        _ => "the kubelet was not restarted".into(),
    }
}

#[cfg(test)]
mod tests;
