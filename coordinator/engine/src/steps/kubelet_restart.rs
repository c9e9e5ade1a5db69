//! Restarts the kubelet, and waits until it reports its new version. A drained node must still be empty right before.

use super::empty::{Lane, RESTS_ON};
use super::reply::{all, done, node, odd};
use super::skew;
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, ClusterLook, Probe, Reply};
use crate::program::{Given, Shared};
use podlift_model::{HostOp, KubeVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubeletRestart {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
}

impl KubeletRestart {
    pub fn to(version: KubeVersion) -> Self {
        Self { to: Given::shared(version) }
    }
}

impl Step for KubeletRestart {
    fn verb(&self) -> String {
        "kubelet-restart".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn complete(&mut self, shared: &Shared) {
        self.to.complete(shared.to);
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn rests_on(&self) -> &'static [&'static str] {
        RESTS_ON
    }
    fn changes_node(&self) -> bool {
        true
    }
    fn remains(&self) -> Option<String> {
        Some(format!("the kubelet runs at {}", *self.to))
    }
    fn sample() -> Self {
        Self::to(podlift_model::KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        let node = Probe::Cluster(ClusterLook::Node { node: cx.node() });
        Probe::All(std::iter::once(node).chain(Lane::of(cx).looks()).collect())
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [first, lane @ ..] = all(reply) else { return odd(reply) };
        let Some(node) = node(first) else { return odd(reply) };
        match (node.kubelet == Some(*self.to), cx.acted) {
            (true, _) => done(format!("kubelet {} reports", *self.to)),
            (false, true) => Assess::Wait("the new kubelet has not reported yet".into()),
            (false, false) => {
                skew::forbids(cx, *self.to).or_else(|| Lane::of(cx).lost(cx, lane)).unwrap_or(Assess::Ready)
            }
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::KubeletRestart)
    }
}
