//! Every control-plane node has its three manifests, readable: without kube-apiserver.yaml `kubeadm upgrade node` takes it for a worker
//! (kubeadm 1.32 `cmd/upgrade/node.go`).

use super::{Finding, View};
use crate::plan::{Severity, finding::finding};
use podlift_model::op::Component;

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = Vec::new();
    let servers = view.input.inventory.control_planes();
    for (node, facts) in servers.filter_map(|n| Some((n, n.facts.as_ref()?))) {
        for component in Component::ALL {
            let found = facts.manifests.iter().find(|m| m.component == *component);
            let evidence = match found.map(|m| &m.unreadable) {
                None => format!("/etc/kubernetes/manifests/{} is missing", component.file()),
                Some(Some(why)) => {
                    format!("/etc/kubernetes/manifests/{} can't be read: {why}", component.file())
                }
                Some(None) => continue,
            };
            let evidence = format!("{evidence}: put it back before anything else");
            let next = format!("ssh {} ls -l /etc/kubernetes/manifests", node.name);
            out.push(finding("manifests", Severity::Blocker, Some(&node.name), evidence, &next));
        }
    }
    out
}
