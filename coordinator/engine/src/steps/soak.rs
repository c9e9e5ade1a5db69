//! The first workers have to stay as they are for a configured time before the next ones are touched. Where a first worker was left out or
//! has failed, the one that takes its place has to.

use super::reply::{all, done, node, odd, partly};
use super::{Assess, Cx, Policy, Step, Touches, devices_back};
use crate::doors::{ClusterLook, Probe, Reply};
use crate::program::WORKERS;
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
        if !needed(cx) {
            return Probe::All(vec![]);
        }
        let node = Probe::Cluster(ClusterLook::Node { node: cx.node() });
        Probe::All(std::iter::once(node).chain(devices_back::looks(cx)).collect())
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        if !needed(cx) {
            return done("the first workers have stayed as they were");
        }
        let [first, devices @ ..] = all(reply) else { return odd(reply) };
        let Some(node) = node(first) else { return odd(reply) };
        let to = cx.program().to();
        if !node.ready {
            return Assess::Wait(format!("not Ready: {}", node.ready_message));
        }
        if node.kubelet != Some(to) {
            return Assess::Wait(format!("Ready, and not at {to}"));
        }
        match devices_back::found(cx, devices) {
            None => return odd(reply),
            Some(Err(why)) => return Assess::Wait(why),
            Some(Ok(found)) if !found.is_empty() && !devices_back::is_accepted(cx, &found) => {
                return Assess::Wait(format!("not as before the run: {}", devices_back::text(&found)));
            }
            Some(Ok(_)) => {}
        }
        match node.unschedulable {
            false => {
                done(format!("Ready at {to} with its devices for {} s after it was given back", self.seconds))
            }
            true => {
                partly(format!("Ready at {to} for {} s, and cordoned, so that it got no work", self.seconds))
            }
        }
    }

    fn policy(&self, cx: &Cx) -> Policy {
        let soak = Duration::from_secs(if needed(cx) { self.seconds.into() } else { 0 });
        Policy { soak, poll: Duration::from_secs(5), ..cx.policy() }
    }
}

/// Whether this is a first worker, or takes the place of one.
fn needed(cx: &Cx) -> bool {
    cx.step.phase != WORKERS || !cx.state.is_proven()
}
