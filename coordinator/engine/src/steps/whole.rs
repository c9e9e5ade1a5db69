//! Whether a node may get work again before its lane is over: it is Ready, its kubelet runs at the version of its package, and it offers the
//! devices that it offered before the run. An abort, a deferral and the release of a node ask this before they give a cordon back.

use super::Cx;
use super::devices_back;
use super::reply::{facts, node};
use crate::doors::{ClusterLook, NodeView, Probe, Reply};
use crate::machine::RunState;
use crate::program::StepSpec;
use podlift_model::op::Package;
use podlift_model::{Look, NodeFacts, NodeName, PackageVersion};

/// Whether the node is looked at before it is uncordoned: the lane of this cordon may have changed it, or it was out of work before the
/// lane began, so that the run may have taken over the cordon of a run that has left it half upgraded.
pub fn needed(state: &RunState, cordon: &StepSpec) -> bool {
    let Some(node) = &cordon.node else { return false };
    if state.plan.inventory.get(node).is_none_or(|n| n.view.unschedulable) {
        return true;
    }
    let mut lane = state.steps_of(node).filter(|(spec, _)| spec.phase == cordon.phase);
    lane.any(|(spec, step)| step.attempts > 0 && spec.kind.step().changes_node())
}

/// The questions, about the node of this step.
pub fn looks(cx: &Cx) -> Vec<Probe> {
    let node = Probe::Cluster(ClusterLook::Node { node: cx.node() });
    let mut looks = vec![node, cx.look(Look::Facts)];
    looks.extend(devices_back::looks(cx));
    looks
}

/// The reason why the node is not whole. `replies` answer `looks`, in the same order.
pub fn verdict(cx: &Cx, replies: &[Reply]) -> Result<(), String> {
    let name = cx.node();
    let [view, answer, devices @ ..] = replies else { return Err(format!("{name} was not looked at")) };
    let (Some(view), Some(facts)) = (node(view), facts(answer)) else {
        return Err(format!("{name}: unexpected replies to the looks at it"));
    };
    running(&name, view, facts)?;
    let found = devices_back::found(cx, devices)
        .ok_or_else(|| format!("{name}: unexpected replies about its devices"))?
        .map_err(|unseen| format!("{name}: {unseen}"))?;
    match found.is_empty() || devices_back::is_accepted(cx, &found) {
        true => Ok(()),
        false => {
            let texts: Vec<&str> = found.iter().map(|f| f.evidence.as_str()).collect();
            Err(format!("{name} is not as before the run: {}", texts.join("; ")))
        }
    }
}

/// Ready, with the kubelet of the package.
fn running(name: &NodeName, view: &NodeView, facts: &NodeFacts) -> Result<(), String> {
    if !view.ready {
        return Err(format!("{name} is not Ready: {}", view.ready_message));
    }
    let package = facts.packages.get(Package::Kubelet.name()).and_then(|p| p.version.as_ref());
    match (view.kubelet, package) {
        (Some(runs), Some(PackageVersion { kube, .. })) if runs == *kube => Ok(()),
        (Some(runs), Some(package)) => Err(format!(
            "{name} runs kubelet {runs}, and its package is {package}: a restart would start another version"
        )),
        (None, _) => Err(format!("{name}: the version of its kubelet is not known")),
        (_, None) => Err(format!("{name}: package kubelet is not installed")),
    }
}
