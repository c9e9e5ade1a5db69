//! How far the addons have rolled out, judged for the nodes that can take part. A DaemonSet never has its pod on a node that is down, so
//! nodes that are not Ready, or without which the run goes on, are named and not waited for.

use super::Cx;
use crate::doors::{AddonsView, NodeView, RolloutView};
use crate::listed::listed;
use podlift_model::NodeName;
use podlift_model::op::Addon;

/// Maximum number of nodes in a text.
const NAMED: usize = 5;

/// What has rolled out, for the evidence; an error is what is still awaited.
pub fn judge(cx: &Cx, addons: &[Addon], view: &AddonsView, nodes: &[NodeView]) -> Result<String, String> {
    let parts: Result<Vec<String>, String> =
        addons.iter().map(|addon| one(cx, *addon, view, nodes)).collect();
    Ok(parts?.join("; "))
}

/// Whether each of the addons could be counted. Where one could not, for example because a site has put another workload in its place, no
/// line of the sign-off is ticked for it.
pub fn is_counted(addons: &[Addon], view: &AddonsView) -> bool {
    addons.iter().all(|addon| of(*addon, view).is_some())
}

fn of(addon: Addon, view: &AddonsView) -> Option<&RolloutView> {
    match addon {
        Addon::Coredns => view.coredns_rollout.as_ref(),
        Addon::KubeProxy => view.kube_proxy_rollout.as_ref(),
    }
}

fn one(cx: &Cx, addon: Addon, view: &AddonsView, nodes: &[NodeView]) -> Result<String, String> {
    let Some(rollout) = of(addon, view) else {
        return Ok(format!("{addon}: its pods could not be counted"));
    };
    let named = |text: String| format!("{addon}: {text}");
    workload(cx, rollout, nodes).map(named).map_err(named)
}

/// The same of any workload.
pub fn workload(cx: &Cx, rollout: &RolloutView, nodes: &[NodeView]) -> Result<String, String> {
    if !rollout.observed {
        return Err("its controller has not seen the new specification yet".into());
    }
    let counts = counts(rollout);
    if rollout.updated >= rollout.desired && rollout.available >= rollout.desired {
        return Ok(counts);
    }
    let (awaited, passed): (Vec<&NodeName>, Vec<&NodeName>) =
        rollout.unready_nodes.iter().partition(|node| takes_part(cx, node, nodes));
    match (awaited.is_empty(), passed.is_empty()) {
        (true, false) => Ok(format!(
            "{counts}; not waited for, because they are not Ready or left out: {}",
            listed(&passed, NAMED)
        )),
        (true, true) => Err(counts),
        (false, _) => Err(format!("{counts}; waits for {}", listed(&awaited, NAMED))),
    }
}

fn counts(rollout: &RolloutView) -> String {
    let RolloutView { desired, updated, available, .. } = rollout;
    format!("{updated} of {} updated, {available} available", podlift_model::count(*desired, "pod"))
}

/// Whether the node can run the new pod now, and the run still counts on it.
fn takes_part(cx: &Cx, node: &NodeName, nodes: &[NodeView]) -> bool {
    let ready = nodes.iter().any(|n| n.name == *node && n.ready);
    ready && !cx.state.goes_without(node) && cx.program().left_out(node).is_none()
}
