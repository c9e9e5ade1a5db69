//! Every control-plane node has its three manifests, and they are readable: without kube-apiserver.yaml, `kubeadm upgrade node` treats the
//! node as a worker (kubeadm 1.32 `cmd/upgrade/node.go`). Their flags must be known too: if a shell makes them, the loss can't be
//! predicted.

use super::View;
use crate::inventory::NodeEntry;
use crate::program::{Finding, Severity, finding};
use podlift_model::op::Component;

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = Vec::new();
    let servers = view.input.inventory.control_planes();
    for (node, facts) in servers.filter_map(|n| Some((n, n.facts.as_ref()?))) {
        for component in Component::ALL {
            let found = facts.manifests.iter().find(|m| m.component == *component);
            if let Some(why) = found.and_then(|m| m.opaque.as_ref()) {
                out.push(opaque(node, *component, why));
                continue;
            }
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

fn opaque(node: &NodeEntry, component: Component, why: &str) -> Finding {
    let evidence = format!(
        "the flags of /etc/kubernetes/manifests/{} can't be known ({why}): what the upgrade loses is not known either, and the command that stands there would vanish; write the flags as words of `command` first",
        component.file()
    );
    let next = format!("ssh {} cat /etc/kubernetes/manifests/{}", node.name, component.file());
    finding("manifests", Severity::Blocker, Some(&node.name), evidence, &next)
}
