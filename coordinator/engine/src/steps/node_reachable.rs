//! Before a worker is cordoned: the node is Ready and its agent answers. A node that is away lets the others pass, and is deferred with the
//! reason if it is still away when its turn comes again.

use super::reply::{all, done, facts, node, odd};
use super::{Assess, Cx, Step, Touches};
use crate::doors::{ClusterLook, Probe, Reply};
use podlift_model::Look;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeReachable {}

impl Step for NodeReachable {
    fn verb(&self) -> String {
        "node-reachable".into()
    }
    fn touches(&self) -> Touches {
        Touches::Nothing
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn yields(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    /// A look at an agent that is gone fails, and the step waits with that reason.
    fn probe(&self, cx: &Cx) -> Probe {
        Probe::All(vec![Probe::Cluster(ClusterLook::Node { node: cx.node() }), cx.look(Look::Facts)])
    }

    fn assess(&self, _cx: &Cx, reply: &Reply) -> Assess {
        let [view, answer] = all(reply) else { return odd(reply) };
        let (Some(view), Some(_)) = (node(view), facts(answer)) else { return odd(reply) };
        match view.ready {
            true => done("Ready, and its agent answers"),
            false => Assess::Wait(format!("node {} is not Ready: {}", view.name, view.ready_message)),
        }
    }
}
