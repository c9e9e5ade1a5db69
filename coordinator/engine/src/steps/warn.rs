//! Before a worker is drained: people who work in its pods are told, and have a time of the site's policy to save what they do. The warning
//! is an Event at each of their pods, which `kubectl describe` and workspaces show; podlift has no right to change pods.

use super::reply::{all, cluster, done, node, odd, partly};
use super::step_aside::failed;
use super::{Assess, Cx, Policy, Step, Touches, cordon_taken};
use crate::doors::{Act, ClusterAct, ClusterLook, ClusterReply, Probe, Reply};
use podlift_model::{PodRef, count};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warn {
    /// From the warning to the drain.
    seconds: u32,
}

const RESTS_ON: &[&str] = &["cordon"];

impl Warn {
    pub fn of(seconds: u32) -> Self {
        Self { seconds }
    }
}

impl Step for Warn {
    fn verb(&self) -> String {
        "warn".into()
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
    fn is_optional(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self::of(600)
    }

    fn probe(&self, cx: &Cx) -> Probe {
        let looks = [ClusterLook::Node { node: cx.node() }, ClusterLook::Interactive { node: cx.node() }];
        Probe::All(looks.map(Probe::Cluster).into())
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [first, second] = all(reply) else { return odd(reply) };
        let (Some(node), Some(ClusterReply::Interactive(pods))) = (node(first), cluster(second)) else {
            return odd(reply);
        };
        if cx.acted {
            return done(format!("people were told {} s before the drain", self.seconds));
        }
        if pods.is_empty() {
            return done("no person works on it");
        }
        if let Some(why) = failed(cx) {
            return partly(format!("the people in {} were not told: {why}", count(pods.len(), "pod")));
        }
        // Nobody is told of a drain that does not come.
        cordon_taken::lost(cx, node, RESTS_ON).unwrap_or(Assess::Ready)
    }

    fn act(&self, cx: &Cx, reply: &Reply) -> Option<Act> {
        let Some(ClusterReply::Interactive(pods)) = all(reply).get(1).and_then(cluster) else { return None };
        let pods: Vec<PodRef> = pods.clone();
        Some(Act::Cluster(ClusterAct::Warn {
            node: cx.node(),
            run: cx.state.run.clone(),
            seconds: self.seconds,
            pods,
        }))
    }

    /// Once told, the step lasts as long as people have time.
    fn policy(&self, cx: &Cx) -> Policy {
        let soak = Duration::from_secs(if cx.acted { self.seconds.into() } else { 0 });
        Policy { soak, poll: Duration::from_secs(5), retries: 0, ..cx.policy() }
    }
}
