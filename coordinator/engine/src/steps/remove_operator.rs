//! Removes Tigera's operator from a cluster whose Calico BCM applies from manifests. A person approves it by name. Where BCM itself offers
//! the operator, or where the operator brings Calico to a node, nothing is removed.

use super::reply::{blocked, cluster, done, odd};
use super::{Assess, Cx, Step, Touches, approved};
use crate::doors::{Act, CalicoView, ClusterAct, ClusterLook, ClusterReply, Probe, Reply};
use crate::inventory::NodeRole;
use crate::issues::Mend;
use crate::program::Item;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemoveOperator {}

impl Step for RemoveOperator {
    fn verb(&self) -> String {
        "remove-operator".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("calico")
    }
    fn mend(&self) -> Option<Mend> {
        Some(Mend::RemoveOperator)
    }
    fn remains(&self) -> Option<String> {
        Some("Tigera's operator is removed; its objects are in the sealed backup".into())
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, _cx: &Cx) -> Probe {
        Probe::Cluster(ClusterLook::Calico)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(ClusterReply::Calico(calico)) = cluster(reply) else { return odd(reply) };
        if calico.operator.is_none() && calico.installations.is_empty() {
            return done(match cx.acted {
                true => "Tigera's operator and its Installation objects are removed",
                false => "Tigera's operator is not installed",
            });
        }
        if calico.offered_by_bcm {
            return done("BCM itself offers Tigera's operator, so it stays");
        }
        let seen = text(calico);
        if let Some(why) = calico.held_by_operator() {
            return blocked(
                "calico-from-operator",
                format!("{seen}, and {why}: without the operator, the cluster would lose its network; podlift approve {} --refuse --reason TEXT lets the run go on with it", Item::TigeraRemoval),
                "kubectl get daemonset -A -l k8s-app=calico-node",
            )
            .unless_refused(cx, &seen);
        }
        if cx.acted {
            return Assess::Wait(format!("{seen}: it is being removed"));
        }
        let what = format!(
            "{seen} beside the Calico that BCM applies, and would be removed after its objects are saved"
        );
        approved::awaited(cx, Item::TigeraRemoval, &what).unwrap_or(Assess::Ready)
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        Some(Act::Cluster(ClusterAct::RemoveOperator { run: Some(cx.state.run.clone()) }))
    }
}

trait UnlessRefused {
    fn unless_refused(self, cx: &Cx, seen: &str) -> Assess;
}

impl UnlessRefused for Assess {
    fn unless_refused(self, cx: &Cx, seen: &str) -> Assess {
        match approved::is_refused(cx, Item::TigeraRemoval) {
            true => approved::awaited(cx, Item::TigeraRemoval, seen).unwrap_or(self),
            false => self,
        }
    }
}

fn text(calico: &CalicoView) -> String {
    let operator = match &calico.operator {
        Some(operator) => format!("Tigera's operator runs in namespace {}", operator.namespace),
        None => "Tigera's operator is gone".into(),
    };
    match calico.installations.len() {
        0 => operator,
        _ => format!("{operator}, Installation {} is there", calico.installations.join(", ")),
    }
}
