//! Checks and messages that several ops share.

use super::Cx;
use crate::node::Node;
use crate::units::Exit;
use podlift_heal::Runtime;
use podlift_host::paths;
use podlift_model::op::{Component, PackagePin, SkipPhase};
use podlift_model::{Failure, KubeVersion, Minor, OpOutput, agree, codes};
use podlift_tools::crictl;
pub use podlift_tools::files::file_failure;

/// Checks the free space below /var for packages and images.
pub fn free_space(node: &Node) -> Result<(), Failure> {
    podlift_tools::files::free_space(node.host.files.as_ref(), node.config.ops.free_bytes)
}

/// Checks that a control-plane node, by its configuration or by its memory, has all three manifests: kubeadm treats it as a worker
/// otherwise.
pub fn all_manifests_or_none(node: &Node) -> Result<(), Failure> {
    let there = |c: &&Component| node.host.files.stat(&paths::manifest(**c)).is_ok();
    let missing: Vec<String> = Component::ALL.iter().filter(|c| !there(c)).map(Component::file).collect();
    let control_plane = missing.len() < Component::ALL.len() || node.is_control_plane();
    if missing.is_empty() || !control_plane {
        return Ok(());
    }
    let (are, them) = (agree(missing.len(), "is", "are"), agree(missing.len(), "it", "them"));
    let message = format!(
        "{} {are} missing from {}: kubeadm would treat this control-plane node as a worker; put {them} back, or restore {them} from the run's backup",
        missing.join(", "),
        paths::MANIFESTS
    );
    Err(Failure::operator(codes::MANIFEST_MISSING, message))
}

/// Checks that this is a control-plane node with all its manifests.
pub fn control_plane(node: &Node) -> Result<(), Failure> {
    all_manifests_or_none(node)?;
    match node.host.files.stat(&paths::manifest(Component::KubeApiserver)) {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::permanent(
            "not-control-plane",
            format!("{} has no static pod manifests: it is no control-plane node", node.config.node),
        )),
    }
}

/// The phases to skip: those of the request, and the control plane where it is at `to` already and runs exactly what is on the disk.
///
/// kubeadm replaces a manifest that differs from its own text and then waits five minutes for a new pod. If the heal puts the manifest back
/// in that time, the pod is the same as before, and kubeadm gives up. An attempt after an unknown end would repeat that for ever.
pub async fn remaining(node: &Node, to: KubeVersion, skip: &[SkipPhase]) -> Vec<SkipPhase> {
    let mut all = skip.to_vec();
    let has_phases = to.minor() >= Minor { major: 1, minor: 32 };
    if has_phases && !skip.contains(&SkipPhase::ControlPlane) && runs_at(node, to).await {
        tracing::info!(%to, "the control plane runs the target's manifests: only the other phases are run");
        all.push(SkipPhase::ControlPlane);
    }
    all
}

/// Whether all three components are at this version and run with exactly the manifests on the disk.
async fn runs_at(node: &Node, to: KubeVersion) -> bool {
    for component in Component::ALL {
        let Ok(look) = node.heal.seen(*component) else { return false };
        if look.manifest().and_then(|m| m.version) != Some(to) {
            return false;
        }
        let Runtime::Running(pod) = crictl::runtime(&node.host, *component).await else { return false };
        if node.heal.runs_exactly(*component, &look, &pod).is_err() {
            return false;
        }
    }
    true
}

/// The meaning of kubeadm's exit. Health is checked separately.
pub fn kubeadm_ended(cx: &Cx<'_>, what: &str, exit: &Exit) -> Result<OpOutput, Failure> {
    let seconds = lasted(cx, exit);
    if exit.success() {
        return Ok(OpOutput::Changed(format!("kubeadm exited 0 after {seconds} s")));
    }
    let log = cx.log();
    let reason = log
        .lines()
        .rev()
        .map(str::trim)
        .find(|l| l.starts_with("error") || l.contains("[ERROR"))
        .unwrap_or("see its output");
    let message = format!("`{what}` {} after {seconds} s: {reason}", exit.describe());
    Err(Failure::operator(codes::KUBEADM_FAILED, message).with_detail(&log))
}

/// Duration in whole seconds: on the boot clock within one boot, because the wall clock may be wrong.
fn lasted(cx: &Cx<'_>, exit: &Exit) -> i64 {
    if cx.accepted.boot != cx.node.boot {
        return exit.at.duration_since(cx.accepted.at).as_secs().max(0);
    }
    let took = cx.node.host.clock.since_boot().saturating_sub(cx.accepted.since_boot);
    i64::try_from(took.as_secs()).unwrap_or(i64::MAX)
}

/// `kubeadm 1.32.9-1.1, kubelet 1.32.9-1.1`.
pub fn list(pins: &[PackagePin]) -> String {
    let texts: Vec<String> = pins.iter().map(|p| format!("{} {}", p.package, p.version)).collect();
    texts.join(", ")
}
