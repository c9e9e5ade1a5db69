//! Whether a drained node is still cordoned and empty. Steps of its lane that stop what pods need ask this right before they act.

use super::{Assess, Cx, cordon_taken};
use crate::doors::{ClusterLook, ClusterReply, DrainOptions, Probe, Reply};
use podlift_model::NodeName;

/// The lane of a step, by the node that it drains, with the options of the drain; `None` within if it drains no node, or
/// drains it later.
pub struct Lane(Option<(NodeName, DrainOptions)>);

/// The steps that make a node empty.
pub const RESTS_ON: &[&str] = &["cordon", "checkpoint", "drain"];

impl Lane {
    pub fn of(cx: &Cx) -> Self {
        Self(cx.comes_after("drain").then(|| (cx.node(), cx.program().options.drain.clone())))
    }

    pub fn looks(&self) -> Vec<Probe> {
        let Some((node, options)) = self.0.clone() else { return vec![] };
        let looks = [ClusterLook::Node { node: node.clone() }, ClusterLook::PodsToEvict { node, options }];
        looks.map(Probe::Cluster).into()
    }

    /// The verdict if the node is not as the drain left it. `replies` answer `looks`.
    pub fn lost(&self, cx: &Cx, replies: &[Reply]) -> Option<Assess> {
        let (node, _) = self.0.as_ref()?;
        let [Reply::Cluster(ClusterReply::Node(view)), Reply::Cluster(ClusterReply::Pods(pods))] = replies
        else {
            return Some(super::reply::odd(&Reply::All(replies.to_vec())));
        };
        if let Some(verdict) = cordon_taken::lost(cx, view, RESTS_ON) {
            return Some(verdict);
        }
        let left: Vec<&str> = pods.evict.iter().chain(&pods.refused).take(3).map(String::as_str).collect();
        (!left.is_empty()).then(|| {
            let what = format!("pods have come to node {node} since its drain: {}", left.join(", "));
            cx.again(&["checkpoint", "drain"], what)
        })
    }
}
