//! Before a worker is cordoned: the node is Ready and its agent answers. Before packages are fetched for it: its agent answers. A node that
//! is away lets the others pass, and is deferred with the reason if it is still away when its turn comes again.

use super::reply::{all, blocked, done, facts, node, odd};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::doors::{ClusterLook, Probe, Reply};
use podlift_model::Look;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeReachable {
    /// Only the agent is needed, because the node is staged and not changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    staging: bool,
    /// The node is control plane, so it keeps its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stays: bool,
}

impl NodeReachable {
    /// Before the node is cordoned.
    pub fn for_work() -> Self {
        Self { staging: false, stays: false }
    }

    /// Before packages and images are fetched.
    pub fn for_staging() -> Self {
        Self { staging: true, stays: false }
    }

    /// Before a control-plane node is cordoned: it lets no other pass.
    pub fn for_server() -> Self {
        Self { staging: false, stays: true }
    }
}

/// How long the staging waits for agents that are away, once all others are staged.
const STAGING: Duration = Duration::from_secs(120);

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
        !self.stays
    }
    fn sample() -> Self {
        Self::for_work()
    }

    /// A look at an agent that is gone fails, and the step waits with that reason.
    fn probe(&self, cx: &Cx) -> Probe {
        match self.staging {
            true if not_in_backup(cx) => Probe::All(vec![]),
            true => cx.look(Look::Facts),
            false => {
                Probe::All(vec![Probe::Cluster(ClusterLook::Node { node: cx.node() }), cx.look(Look::Facts)])
            }
        }
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        if self.staging && not_in_backup(cx) {
            let message = "its agent was away when the run began, so the backup has nothing of it, and the run changes nothing on it; the next run takes it".to_string();
            return blocked(
                "not-in-backup",
                message,
                format!("podlift defer {} && podlift resume", cx.node()),
            );
        }
        if self.staging {
            return if facts(reply).is_some() { done("its agent answers") } else { odd(reply) };
        }
        let [view, answer] = all(reply) else { return odd(reply) };
        let (Some(view), Some(_)) = (node(view), facts(answer)) else { return odd(reply) };
        match view.ready {
            true => done("Ready, and its agent answers"),
            false => Assess::Wait(format!("node {} is not Ready: {}", view.name, view.ready_message)),
        }
    }

    fn policy(&self, cx: &Cx) -> Policy {
        let policy = cx.policy();
        let wait = if self.staging { policy.wait.min(STAGING) } else { policy.wait };
        Policy { wait, ..policy }
    }
}

/// Whether the node had no agent when the plan was made: its files are not in the backup.
fn not_in_backup(cx: &Cx) -> bool {
    cx.program().inventory.get(&cx.node()).is_none_or(|n| n.facts.is_none())
}
