//! A worker that is still to come gets a soft taint, so that evicted pods prefer nodes that are over and are not evicted twice. The taint
//! helps the pods and protects nothing, so whatever prevents it is recorded, and the run goes on.

use super::reply::{done, node, odd, partly};
use super::step_aside::failed;
use super::{Assess, Cx, Policy, Step, Touches};
use crate::doors::{Act, ClusterAct, ClusterLook, Probe, Reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SoftTaint {}

impl Step for SoftTaint {
    fn verb(&self) -> String {
        "soft-taint".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn is_optional(&self) -> bool {
        true
    }
    fn marks_node(&self) -> bool {
        true
    }
    /// A node that the cluster does not have any more is left out, as one is that is away when its turn comes.
    fn yields(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        Probe::Cluster(ClusterLook::Node { node: cx.node() })
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(node) = node(reply) else { return odd(reply) };
        match (node.soft_taint.as_ref() == Some(&cx.state.run), failed(cx)) {
            (true, _) => done("pods prefer other nodes"),
            (false, Some(why)) => partly(format!("evicted pods may come to it: {why}")),
            (false, None) => Assess::Ready,
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let (node, run) = (cx.node(), cx.state.run.clone());
        Some(Act::Cluster(ClusterAct::SoftTaint { node, run, held: cx.held() }))
    }

    fn undo(&self, cx: &Cx) -> Option<Act> {
        Some(Act::Cluster(ClusterAct::SoftUntaint { node: cx.node(), run: cx.state.run.clone() }))
    }

    /// While the API is away nothing else could go on either.
    fn policy(&self, cx: &Cx) -> Policy {
        Policy { wait: Duration::MAX, ..cx.policy() }
    }
}
