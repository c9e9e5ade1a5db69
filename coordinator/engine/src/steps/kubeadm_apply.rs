//! `kubeadm upgrade apply` on the first control-plane node.

use super::manifests::{Fault, SKIP, looks, missing, policy, seen, written};
use super::reply::{done, odd};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::analysis::kubeadm::has_phases;
use crate::doors::{Act, Probe, Reply};
use crate::program::{FLAG_LOSS, Given, Shared};
use podlift_model::op::{Preflight, SkipPhase};
use podlift_model::{HostOp, KubeVersion};
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

    /// Phases to skip; kubeadm 1.31 has no `--skip-phases` of apply. If a waiver left the ConfigMap broken and heal has repaired the
    /// manifests, another full apply would write the broken manifest again, heal to an identical pod, and wait five minutes for a hash that
    /// never changes. In that case only the remaining phases run.
    fn skip(&self, cx: &Cx, reply: &Reply) -> Vec<SkipPhase> {
        if !has_phases(*self.to) {
            return vec![];
        }
        let healed = seen(reply, *self.to).is_some_and(|s| s.manifests.is_ok());
        let control_plane =
            (healed && cx.state.waived(FLAG_LOSS).is_some()).then_some(SkipPhase::ControlPlane);
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
    fn sample() -> Self {
        Self::to(KubeVersion::new(1, 32, 9), Preflight::ALL.to_vec())
    }

    fn probe(&self, cx: &Cx) -> Probe {
        looks(cx)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(seen) = seen(reply, *self.to) else { return odd(reply) };
        if !seen.is_whole() {
            return missing(cx);
        }
        match (&seen.manifests, seen.config_at_target) {
            (Ok(()), true) => done(format!("three manifests and kubeadm-config at {}", *self.to)),
            (Err(Fault::Broken(why)), true) if cx.acted => written(why),
            (Err(fault), _) if cx.acted => Assess::Wait(fault.to_string()),
            _ => Assess::Ready,
        }
    }

    fn act(&self, cx: &Cx, reply: &Reply) -> Option<Act> {
        let (to, ignore) = (*self.to, self.ignore.to_vec());
        cx.host(HostOp::KubeadmApply { to, ignore, skip: self.skip(cx, reply) })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        policy(cx)
    }
}
