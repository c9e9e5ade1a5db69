//! No namespace has more pods that are not Ready than before.

use super::check::{Check, Verdict, failed, open, passed};
use super::{Group, NotReady, Scene};
use crate::program::Severity;
use podlift_model::count;

pub(super) const CHECK: Check = Check {
    id: "pods",
    title: "No more pods are away than before",
    group: Group::Workloads,
    severity: Severity::Blocker,
    judge,
};

/// All pods but those that have ended or whose containers are all ready.
const NEXT: &str = r"kubectl get pods -A | grep -vE ' ([0-9]+)/\1 |Completed'";

/// Namespaces of the cluster itself and of what BCM, NVIDIA and Run:ai bring. A pod of anybody else may be away for reasons of its own.
const OF_THE_CLUSTER: [&str; 16] = [
    "kube-system",
    "calico-system",
    "calico-apiserver",
    "tigera-operator",
    "ingress-nginx",
    "haproxy-controller",
    "traefik",
    "metallb-system",
    "cert-manager",
    "gpu-operator",
    "network-operator",
    "local-path-storage",
    "prometheus",
    "monitoring",
    "runai",
    "runai-backend",
];

fn judge(scene: &Scene) -> Verdict {
    let now = match &scene.not_ready {
        Err(why) => return open(format!("the pods can't be seen: {why}"), NEXT),
        Ok(now) => now,
    };
    let before = match scene.before.as_ref().and_then(|before| before.not_ready.as_ref()) {
        Ok(before) => before,
        Err(why) => {
            let lines = now.iter().map(|(namespace, away)| line(namespace, away, None));
            return open(format!("there is no record to compare them with: {why}"), NEXT).and(lines);
        }
    };
    let was = |namespace: &str| before.get(namespace).copied().unwrap_or_default();
    let worse: Vec<(&String, &NotReady)> =
        now.iter().filter(|(namespace, away)| away.pods > was(namespace)).collect();
    if worse.is_empty() {
        let all = now.values().map(|away| away.pods).sum::<u32>();
        return passed(format!("{} not Ready, in no namespace more than before", count(all, "pod")));
    }
    let core = worse.iter().any(|(namespace, _)| OF_THE_CLUSTER.contains(&namespace.as_str()));
    let lines = worse.iter().map(|(namespace, away)| line(namespace, away, Some(was(namespace)))).collect();
    failed(lines, NEXT).means(if core { Severity::Blocker } else { Severity::Warning })
}

fn line(namespace: &str, away: &NotReady, was: Option<u32>) -> String {
    let was = was.map(|was| format!(", {was} before")).unwrap_or_default();
    format!("{namespace}: {} not Ready{was}: {}", count(away.pods, "pod"), away.named.join("; "))
}
