//! A worker that is still to come gets a soft taint, so that evicted pods prefer nodes that are over and are not evicted twice. The taint
//! helps the pods and protects nothing, so whatever prevents it is recorded, and the run goes on.

use super::reply::{done, node, odd, partly};
use super::step_aside::failed;
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, ClusterAct, ClusterLook, Probe, Reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SoftTaint {}

const REMOVED_BY: &str = "soft-untaint";

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
    /// A node that can't even be looked at is left out, as one is that is away when its turn comes.
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
        Some(Act::Cluster(ClusterAct::SoftTaint { node: cx.node(), run: cx.state.run.clone() }))
    }

    /// Only where the lane of the node has not removed it.
    fn undo(&self, cx: &Cx) -> Option<Act> {
        let node = cx.node();
        let mut steps = cx.state.steps_of(&node);
        let removed = steps.any(|(spec, step)| spec.kind.step().verb() == REMOVED_BY && step.is_done());
        (!removed)
            .then(|| Act::Cluster(ClusterAct::SoftUntaint { node: cx.node(), run: cx.state.run.clone() }))
    }
}
