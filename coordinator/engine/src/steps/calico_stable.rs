//! Watches Calico after its operator was removed, until calico-kube-controllers and one calico-node on each node have been Ready for a minute
//! without a break.

use super::reply::{cluster, done, odd};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::doors::{ClusterLook, ClusterReply, Probe, Reply};
use crate::inventory::NodeRole;
use crate::issues::Mend;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalicoStable {}

/// How long Calico has to be whole without a break.
const STABLE: Duration = Duration::from_secs(60);

/// Whether the run has removed the operator.
fn removed(cx: &Cx) -> bool {
    let removes = |spec: &crate::program::StepSpec| {
        spec.kind.step().mend() == Some(Mend::RemoveOperator) && cx.state.steps[&spec.id].ever_acted
    };
    cx.program().steps().any(removes)
}

impl Step for CalicoStable {
    fn verb(&self) -> String {
        "calico-stable".into()
    }
    fn touches(&self) -> Touches {
        Touches::Nothing
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("calico")
    }
    fn follows_mend(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        match removed(cx) {
            true => Probe::Cluster(ClusterLook::Calico),
            false => Probe::All(vec![]),
        }
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        if !removed(cx) {
            return done("the run has removed nothing of Calico");
        }
        let Some(ClusterReply::Calico(calico)) = cluster(reply) else { return odd(reply) };
        match calico.instability() {
            Some(why) => Assess::Wait(why),
            None => done(format!("{} for {} s without a break", calico.whole(), STABLE.as_secs())),
        }
    }

    fn policy(&self, cx: &Cx) -> Policy {
        let soak = if removed(cx) { STABLE } else { Duration::ZERO };
        Policy { soak, ..cx.policy() }
    }
}
