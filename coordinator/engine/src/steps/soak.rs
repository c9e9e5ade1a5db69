//! The first workers have to stay as they are for a configured time before the next ones are touched.

use super::reply::{done, node, odd};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::doors::{ClusterLook, Probe, Reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Soak {
    /// How long the node must stay Ready without a break.
    seconds: u32,
}

impl Soak {
    pub fn of(seconds: u32) -> Self {
        Self { seconds }
    }
}

impl Step for Soak {
    fn verb(&self) -> String {
        "soak".into()
    }
    fn touches(&self) -> Touches {
        Touches::Nothing
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self::of(600)
    }

    fn probe(&self, cx: &Cx) -> Probe {
        Probe::Cluster(ClusterLook::Node { node: cx.node() })
    }

    fn assess(&self, _cx: &Cx, reply: &Reply) -> Assess {
        let Some(node) = node(reply) else { return odd(reply) };
        match node.ready {
            true => done(format!("Ready for {} s after it was given back", self.seconds)),
            false => Assess::Wait(format!("not Ready: {}", node.ready_message)),
        }
    }

    fn policy(&self, cx: &Cx) -> Policy {
        let soak = Duration::from_secs(self.seconds.into());
        Policy { soak, poll: Duration::from_secs(5), ..cx.policy() }
    }
}
