//! Removes the soft taint of this run from a worker that is about to be given back. A taint that can't be removed keeps nothing away for
//! certain, so the node is given back all the same.

use super::reply::{done, node, odd, partly};
use super::step_aside::failed;
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, ClusterAct, ClusterLook, Probe, Reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SoftUntaint {}

impl Step for SoftUntaint {
    fn verb(&self) -> String {
        "soft-untaint".into()
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
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        Probe::Cluster(ClusterLook::Node { node: cx.node() })
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(node) = node(reply) else { return odd(reply) };
        match (node.soft_taint.as_ref() == Some(&cx.state.run), failed(cx)) {
            (false, _) => done("no soft taint of this run"),
            (true, Some(why)) => partly(format!(
                "the soft taint stays: {why}; kubectl taint node {} podlift.io/to-come- removes it",
                node.name
            )),
            (true, None) => Assess::Ready,
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        Some(Act::Cluster(ClusterAct::SoftUntaint { node: cx.node(), run: cx.state.run.clone() }))
    }
}
