//! `kubeadm upgrade apply` on the first control-plane node.

use super::manifests::{
    Fault, RESTS_ON, SKIP, is_cut_off, looks, missing, no_health_check, policy, seen, written,
};
use super::paths;
use super::reply::{done, odd};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::analysis::kubeadm::has_phases;
use crate::doors::{Act, Probe, Reply};
use crate::program::{Given, Shared};
use podlift_model::op::{Preflight, SkipPhase};
use podlift_model::{Failure, HostOp, KubeVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubeadmApply {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
    /// Preflight errors that an operator has waived.
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    ignore: Given<Vec<Preflight>>,
}

impl KubeadmApply {
    pub fn to(version: KubeVersion, ignore: Vec<Preflight>) -> Self {
        Self { to: Given::shared(version), ignore: Given::shared(ignore) }
    }

    /// Phases to skip; kubeadm 1.31 has no `--skip-phases` of apply. Where all manifests are right on disk, written or healed, only the
    /// remaining phases run. If the ConfigMap is broken, another full apply would write the broken manifest again, the heal would make it
    /// an identical pod, and kubeadm would wait five minutes for a hash that never changes.
    fn skip(&self, reply: &Reply, whole: bool) -> Vec<SkipPhase> {
        if !has_phases(*self.to) {
            return vec![];
        }
        let right = seen(reply, *self.to).is_some_and(|s| s.manifests.is_ok());
        let control_plane = (right && !whole).then_some(SkipPhase::ControlPlane);
        control_plane.into_iter().chain(SKIP).collect()
    }
}

impl Step for KubeadmApply {
    fn verb(&self) -> String {
        "kubeadm-apply".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn complete(&mut self, shared: &Shared) {
        self.to.complete(shared.to);
        self.ignore.complete(shared.ignore.clone());
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
            "the manifests of the control plane in {} and kubeadm-config are of {}; the old ones are in the backup of the run",
            paths::MANIFESTS,
            *self.to
        ))
    }
    fn brings_settings(&self) -> bool {
        true
    }
    fn may_pass(&self, failure: &Failure) -> bool {
        no_health_check(failure)
    }
    fn sample() -> Self {
        Self::to(KubeVersion::new(1, 32, 9), Preflight::ALL.to_vec())
    }

    fn probe(&self, cx: &Cx) -> Probe {
        looks(cx, *self.to)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(seen) = seen(reply, *self.to) else { return odd(reply) };
        if !seen.is_whole() {
            return missing(cx);
        }
        match (&seen.manifests, seen.config_at_target) {
            (Ok(()), _) if seen.brings_back(cx) => seen.lost(cx).unwrap_or(Assess::Ready),
            (Ok(()), true) if is_cut_off(cx) && has_phases(*self.to) => Assess::Ready,
            (Ok(()), true) => done(format!("three manifests and kubeadm-config at {}", *self.to)),
            (Err(Fault::Broken(why)), true) if cx.acted => written(why),
            (Err(fault), _) if cx.acted => Assess::Wait(fault.to_string()),
            // Without the control-plane phase, no static pod is stopped.
            (Ok(()), false) => Assess::Ready,
            _ => seen.lost(cx).unwrap_or(Assess::Ready),
        }
    }

    fn act(&self, cx: &Cx, reply: &Reply) -> Option<Act> {
        let (to, ignore) = (*self.to, self.ignore.to_vec());
        let whole = seen(reply, to).is_some_and(|s| s.brings_back(cx));
        cx.host(HostOp::KubeadmApply { to, ignore, skip: self.skip(reply, whole), whole })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        policy(cx)
    }
}
