//! Uncordons a node, if this run cordoned it and the node is whole at this moment.

use super::cordon::ours;
use super::reply::{all, done, node, odd};
use super::{Assess, Cx, Step, Touches, whole};
use crate::doors::{Act, ClusterAct, Probe, Reply};
use crate::inventory::NodeRole;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Steps that have shown that the node is whole.
const RESTS_ON: &[&str] = &["node-ready", "devices-back"];

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
    fn rests_on(&self) -> &'static [&'static str] {
        RESTS_ON
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        Probe::All(whole::looks(cx))
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(node) = all(reply).first().and_then(node) else { return odd(reply) };
        match node.unschedulable {
            // The mark of this run stays when a person uncordons the node, and would pass a later cordon off as this run's.
            false if ours(cx, node) => Assess::Ready,
            false => done("schedulable"),
            // Devices may have gone since they were seen, for example in a pause.
            true if ours(cx, node) => match whole::verdict(cx, all(reply)) {
                Ok(()) => Assess::Ready,
                Err(why) => cx.again(RESTS_ON, why),
            },
            true => done("cordoned by somebody else: left so"),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        Some(Act::Cluster(ClusterAct::Uncordon { node: cx.node(), run: cx.state.run.clone() }))
    }
}
