//! Cordon with owner and epoch in one patch; uncordon only what this run cordoned. A node that somebody else cordoned stays as it was.

use super::types::{Assess, Cx, Step, cluster, done, many, odd};
use crate::doors::{Act, ClusterAct, ClusterLook, ClusterReply, NodeView, Probe, Reply};
use crate::inventory::NodeRole;

pub struct Cordon;
pub struct Uncordon;

fn ours(cx: &Cx, node: &NodeView) -> bool {
    node.owner.as_ref().is_some_and(|o| o.run == cx.state.run)
}

impl Step for Cordon {
    /// The node itself as it is now; the others are only counted.
    fn probe(&self, cx: &Cx) -> Probe {
        let calls = [ClusterLook::Node { node: cx.node() }, ClusterLook::NodesLately];
        Probe::All(calls.into_iter().map(Probe::Cluster).collect())
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [Reply::Cluster(ClusterReply::Node(node)), Reply::Cluster(ClusterReply::Nodes(nodes))] =
            many(reply)
        else {
            return odd(reply);
        };
        if node.unschedulable {
            return match &node.owner {
                Some(_) if ours(cx, node) => done("cordoned by this run"),
                Some(owner) => Assess::Wait(format!("cordoned by podlift run {}", owner.run)),
                None => done("was cordoned before by somebody else: stays so"),
            };
        }
        if cx.role() == NodeRole::Worker && !room(cx, nodes) {
            return Assess::Wait(format!(
                "{} workers may be unavailable at once, and are",
                cx.plan().options.max_unavailable
            ));
        }
        Assess::Ready
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        Some(Act::Cluster(ClusterAct::Cordon { node: cx.node(), run: cx.state.run.clone() }))
    }

    fn undo(&self, cx: &Cx) -> Option<Act> {
        Some(Act::Cluster(ClusterAct::Uncordon { node: cx.node(), run: cx.state.run.clone() }))
    }
}

/// Workers unavailable for other reasons, and lanes of ours that come first, leave room for one more.
fn room(cx: &Cx, nodes: &[NodeView]) -> bool {
    let me = cx.node();
    let worker = |n: &&NodeView| cx.plan().inventory.get(&n.name).is_some_and(|e| e.role == NodeRole::Worker);
    let foreign =
        nodes.iter().filter(worker).filter(|n| n.name != me && !ours(cx, n) && (n.unschedulable || !n.ready));
    let deferred = |n: &&NodeView| !cx.state.deferred.contains_key(&n.name);
    (foreign.filter(deferred).count() as u32 + cx.ahead) < cx.plan().options.max_unavailable
}

impl Step for Uncordon {
    fn probe(&self, cx: &Cx) -> Probe {
        Probe::Cluster(ClusterLook::Node { node: cx.node() })
    }
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(ClusterReply::Node(node)) = cluster(reply) else { return odd(reply) };
        match node.unschedulable {
            false => done("schedulable"),
            true if ours(cx, node) => Assess::Ready,
            true => done("cordoned by somebody else: left so"),
        }
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        Some(Act::Cluster(ClusterAct::Uncordon { node: cx.node(), run: cx.state.run.clone() }))
    }
}
