//! Calico: calico-kube-controllers and one calico-node on each node are Ready, and one writer brings them.

use super::check::{Check, Verdict, failed, open, passed};
use super::sighted::{failure, notes, sightings};
use super::{Group, Scene};
use crate::doors::CalicoView;
use crate::issues::IssueName;
use crate::program::Severity;

pub(super) const CHECK: Check = Check {
    id: "calico",
    title: "Calico is whole, and has one owner",
    group: Group::Network,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "kubectl get pods -A -o wide -l k8s-app=calico-node";

fn judge(scene: &Scene) -> Verdict {
    let calico = match &scene.calico {
        Err(why) => return open(format!("Calico can't be seen: {why}"), NEXT),
        Ok(calico) if is_absent(calico) => return open("the cluster has no Calico", NEXT),
        Ok(calico) => calico,
    };
    let seen = sightings(scene, IssueName::CalicoOperator);
    if let Some(verdict) = failure(&seen) {
        return verdict.and(calico.instability());
    }
    match calico.instability() {
        Some(why) if by_one(calico) => failed(vec![why], NEXT).means(Severity::Warning),
        Some(why) => failed(vec![why], NEXT),
        None => passed(calico.whole()).and(notes(&seen)),
    }
}

fn is_absent(calico: &CalicoView) -> bool {
    calico.daemon_sets.is_empty() && calico.kube_controllers.is_empty() && calico.operator.is_none()
}

/// One node of many has no calico-node, and all else is there.
fn by_one(calico: &CalicoView) -> bool {
    let away: u32 = calico.daemon_sets.iter().map(|set| set.desired.saturating_sub(set.ready)).sum();
    let whole = |w: &crate::doors::WorkloadView| w.rollout.available >= w.rollout.desired.max(1);
    let many = calico.daemon_sets.iter().any(|set| set.desired > 1);
    away == 1 && many && !calico.kube_controllers.is_empty() && calico.kube_controllers.iter().all(whole)
}
