//! Uncordons a node, if this run cordoned it.

use super::cordon::ours;
use super::reply::{done, node, odd};
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, ClusterAct, ClusterLook, Probe, Reply};
use crate::inventory::NodeRole;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Uncordon {}

impl Step for Uncordon {
    fn verb(&self) -> String {
        "uncordon".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("cordons-returned")
    }
    fn may_be_deferred(&self) -> bool {
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
        match node.unschedulable {
            // The mark of this run stays when a person uncordons the node, and would pass a later cordon off as this run's.
            _ if ours(cx, node) => Assess::Ready,
            false => done("schedulable"),
            true => done("cordoned by somebody else: left so"),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        Some(Act::Cluster(ClusterAct::Uncordon { node: cx.node(), run: cx.state.run.clone() }))
    }
}
