//! Evicts the pods that may be evicted, and waits until they are gone. A failed eviction is a failure. A drain that takes too long pauses
//! the run with the names of pods and budgets, and the run's own cordon stays.

use super::reply::{all, blocked, done, odd};
use super::{Assess, Cx, Policy, Step, Touches, cordon_taken};
use crate::doors::{Act, ClusterAct, ClusterLook, ClusterReply, DrainOptions, EvictionView, Probe, Reply};
use crate::program::NEVER_INTERRUPT;
use podlift_model::codes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The step that keeps new pods from the node.
const RESTS_ON: &[&str] = &["cordon", "checkpoint"];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Drain {}

impl Step for Drain {
    fn verb(&self) -> String {
        "drain".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn rests_on(&self) -> &'static [&'static str] {
        RESTS_ON
    }
    fn shows_loss(&self, code: &str) -> bool {
        code == codes::CORDON_LOST
    }
    fn evicts(&self) -> bool {
        true
    }
    /// Evictions may stop at any point.
    fn interruptible(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        let looks = [
            ClusterLook::Node { node: cx.node() },
            ClusterLook::PodsToEvict { node: cx.node(), options: options(cx) },
        ];
        Probe::All(looks.map(Probe::Cluster).into())
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [Reply::Cluster(ClusterReply::Node(node)), Reply::Cluster(ClusterReply::Pods(pods))] = all(reply)
        else {
            return odd(reply);
        };
        // Without a cordon evicted pods would come back, again and again.
        if let Some(verdict) = cordon_taken::lost(cx, node, RESTS_ON) {
            return verdict;
        }
        if let Some(verdict) = refused(cx, pods) {
            return verdict;
        }
        match (pods.evict.is_empty(), pods.left.is_empty()) {
            (false, _) => Assess::Ready,
            (true, true) => done("no pod left to evict"),
            (true, false) => done(format!("no pod left to evict; left by design: {}", pods.left.join("; "))),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let (node, run, seconds) = (cx.node(), cx.state.run.clone(), cx.program().options.drain_seconds);
        Some(Act::Cluster(ClusterAct::Drain { node, run, seconds, options: options(cx) }))
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { retries: 0, ..cx.policy() }
    }
}

/// The verdict if pods of the node may not be evicted.
pub(super) fn refused(cx: &Cx, pods: &EvictionView) -> Option<Assess> {
    if !pods.refused.is_empty() {
        let (node, refused) = (cx.node(), pods.refused.join("; "));
        let message = format!(
            "{node} can't be drained: {refused}; end or move those pods first, or leave the node out: podlift defer {node}"
        );
        return Some(blocked("drain-refused", message, "podlift retry"));
    }
    let waived = cx.state.waivers.iter().any(|w| w.check == NEVER_INTERRUPT);
    if pods.never.is_empty() || waived {
        return None;
    }
    let (node, never) = (cx.node(), pods.never.join(", "));
    let message = format!(
        "{node} can't be drained: the owners of these pods forbid that they are interrupted: {never}; when they have ended: podlift retry, if the run is paused, or podlift include {node}, if it goes on without the node"
    );
    Some(blocked(NEVER_INTERRUPT, message, "podlift retry"))
}

pub(super) fn options(cx: &Cx) -> DrainOptions {
    cx.program().options.drain.clone()
}
