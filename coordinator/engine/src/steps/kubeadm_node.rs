//! `kubeadm upgrade node` on the other control-plane nodes and on workers.

use super::kubelet_config;
use super::manifests::{
    Fault, RESTS_ON, SKIP, is_cut_off, looks, missing, no_health_check, policy, seen, written,
};
use super::paths;
use super::reply::{done, odd};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::analysis::kubeadm::has_phases;
use crate::doors::{Act, Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{Given, Shared};
use podlift_model::op::SkipPhase;
use podlift_model::{Failure, HostOp, KubeVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubeadmNode {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
}

impl KubeadmNode {
    pub fn to(version: KubeVersion) -> Self {
        Self { to: Given::shared(version) }
    }
}

impl Step for KubeadmNode {
    fn verb(&self) -> String {
        "kubeadm-node".into()
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
    fn raises_api_server(&self) -> bool {
        true
    }
    fn changes_node(&self) -> bool {
        true
    }
    fn remains(&self) -> Option<String> {
        Some(format!(
            "kubeadm upgrade node has written {} of {}, on control-plane nodes the manifests in {}, too",
            paths::KUBELET_CONFIG,
            *self.to,
            paths::MANIFESTS
        ))
    }
    fn brings_settings(&self) -> bool {
        true
    }
    fn may_pass(&self, failure: &Failure) -> bool {
        no_health_check(failure)
    }
    fn sample() -> Self {
        Self::to(podlift_model::KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        if cx.role() == NodeRole::Worker { kubelet_config::looks(cx) } else { looks(cx, *self.to) }
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        if cx.role() == NodeRole::Worker {
            // On a worker, kubeadm only rewrites the kubelet's configuration, so a repetition is harmless.
            return kubelet_config::judge(cx, reply, "kubelet configuration written");
        }
        let Some(seen) = seen(reply, *self.to) else { return odd(reply) };
        if !seen.is_whole() {
            return missing(cx);
        }
        match &seen.manifests {
            Ok(()) if seen.config_at_target && seen.brings_back(cx) => seen.lost(cx).unwrap_or(Assess::Ready),
            Ok(()) if is_cut_off(cx) && has_phases(*self.to) => Assess::Ready,
            Ok(()) => done(format!("three manifests at {}", *self.to)),
            Err(_) if !seen.config_at_target => Assess::Wait(format!(
                "kubeadm-config is not at {} yet: kubeadm upgrade node takes its target from there",
                *self.to
            )),
            Err(Fault::Broken(why)) if cx.acted => written(why),
            Err(fault) if cx.acted => Assess::Wait(fault.to_string()),
            Err(_) => seen.lost(cx).unwrap_or(Assess::Ready),
        }
    }

    /// kubeadm 1.31 deploys addons within the control-plane phase of its `upgrade node`. Manifests that are right are not written again.
    fn act(&self, cx: &Cx, reply: &Reply) -> Option<Act> {
        if cx.role() == NodeRole::Worker || !has_phases(*self.to) {
            return cx.host(HostOp::KubeadmNode { skip: vec![], whole: false });
        }
        let seen = seen(reply, *self.to);
        let whole = seen.as_ref().is_some_and(|s| s.brings_back(cx));
        let right = seen.is_some_and(|s| s.manifests.is_ok()) && !whole;
        let control_plane = right.then_some(SkipPhase::ControlPlane);
        cx.host(HostOp::KubeadmNode { skip: control_plane.into_iter().chain(SKIP).collect(), whole })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        policy(cx)
    }
}
