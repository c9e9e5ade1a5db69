//! Cordons a node, with owner and epoch in one patch. A node that was cordoned by others stays as it is.

use super::reply::{all, done, odd};
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, ClusterAct, ClusterLook, ClusterReply, NodeView, Probe, Reply};
use crate::inventory::NodeRole;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cordon {}

/// Whether the node carries this run's cordon.
pub fn ours(cx: &Cx, node: &NodeView) -> bool {
    node.owner.as_ref().is_some_and(|o| o.run == cx.state.run)
}

impl Step for Cordon {
    fn verb(&self) -> String {
        "cordon".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn counterpart(&self) -> Option<&'static str> {
        Some("uncordon")
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    /// Asks for the node itself as it is now. The counts of the other nodes may be a second old.
    fn probe(&self, cx: &Cx) -> Probe {
        let looks = [ClusterLook::Node { node: cx.node() }, ClusterLook::NodesLately];
        Probe::All(looks.into_iter().map(Probe::Cluster).collect())
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [Reply::Cluster(ClusterReply::Node(node)), Reply::Cluster(ClusterReply::Nodes(nodes))] =
            all(reply)
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
                cx.program().options.max_unavailable
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

/// Whether one more worker may become unavailable, besides those that are so for other reasons and the lanes of this run that come first.
/// A node that is deferred, or waits at the end of the line because it is away, is no reason to stop the others.
fn room(cx: &Cx, nodes: &[NodeView]) -> bool {
    let (me, program) = (cx.node(), cx.program());
    let worker = |n: &&NodeView| program.inventory.get(&n.name).is_some_and(|e| e.role == NodeRole::Worker);
    let foreign = nodes
        .iter()
        .filter(worker)
        .filter(|n| n.name != me && !at_work(cx, n) && (n.unschedulable || !n.ready));
    let in_run = |n: &&NodeView| !cx.state.deferred.contains_key(&n.name) && !cx.state.is_away(&n.name);
    (foreign.filter(in_run).count() as u32 + cx.ahead) < program.options.max_unavailable
}

/// Whether this run has the node at work in the same phase; such lanes are counted by `ahead`.
fn at_work(cx: &Cx, node: &NodeView) -> bool {
    let mut of_phase = cx.state.steps_of(&node.name).filter(|(spec, _)| spec.phase == cx.step.phase);
    ours(cx, node) && of_phase.next().is_some()
}
