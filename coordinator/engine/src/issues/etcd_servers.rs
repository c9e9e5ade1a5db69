//! Issue: an API server that crashes because `--etcd-servers` is empty or missing.

use super::{IssueName, Observed, Page, Sighting, component};
use podlift_model::op::Component;

pub(super) const PAGE: Page = Page {
    explains: "kubeadm writes the manifest of the API server from ConfigMap kube-system/kubeadm-config. Where that lists no etcd endpoints, as in clusters that BCM has set up, kubeadm upgrade writes an empty --etcd-servers.",
    means: "The API server of that node exits with code 1 at every start. The other API servers go on, until kubeadm reaches them too.",
    repairs: "The run repairs kubeadm-config before kubeadm runs. If a manifest loses its endpoints all the same, the agent of that node puts back the ones it has learned, within milliseconds and without the coordinator.",
    asks: Some("etcd-servers"),
};

/// What the API server writes before it exits.
const LINES: [&str; 2] = ["--etcd-servers must be specified", "etcd-servers must be specified"];
/// Rules of the agent's heal that repair it.
pub(super) const RULES: [&str; 2] = ["etcd-servers-empty", "etcd-servers-missing"];

pub(super) fn seen(now: &Observed) -> Vec<Sighting> {
    let what =
        |component: Component| format!("{component} does not start: its manifest has no --etcd-servers");
    let crashes = |component: Component, line: &str| {
        component == Component::KubeApiserver && LINES.iter().any(|known| line.contains(known))
    };
    component::seen(now, IssueName::EtcdServers, &RULES, crashes, what)
}
