//! The names of a node must be equal: the hostname, the kubelet's `--hostname-override`, the user of kubelet.conf and the Node object.
//! Versions of kubeadm find their Node by different ones (kubernetes/kubeadm#3244: 1.34.1 by the hostname, and ends with "not found" on the
//! first worker).

use super::View;
use crate::program::{Finding, Severity, finding};
use podlift_model::NodeName;
use podlift_model::survey::NodeNames;

const ID: &str = "node-names";
/// The check of the hostname alone. It may be waived, because other versions of kubeadm take the name from kubelet.conf.
pub const HOSTNAME: &str = "node-hostname";

pub fn check(view: &View) -> Vec<Finding> {
    let names = view.surveys().filter_map(|(node, s)| Some((node, s.names.as_ref()?.as_ref().ok()?)));
    let chosen = names.filter(|(node, _)| {
        view.chosen(node) || view.input.inventory.control_planes().any(|n| n.name == **node)
    });
    chosen.filter_map(|(node, names)| judge(node, names)).collect()
}

fn judge(node: &NodeName, names: &NodeNames) -> Option<Finding> {
    let name = node.as_str();
    let hostname = names.hostname.trim().to_ascii_lowercase();
    let block =
        |id, evidence, next: String| Some(finding(id, Severity::Blocker, Some(node), evidence, &next));
    if let Some(user) = names.kubelet_user.as_deref().filter(|user| *user != name) {
        let evidence = format!(
            "kubelet.conf is of system:node:{user}, and the Node is {name}: kubeadm would look for Node {user}; give this machine a kubelet.conf of its own"
        );
        return block(
            ID,
            evidence,
            format!(
                "ssh {name} openssl x509 -noout -subject -in /var/lib/kubelet/pki/kubelet-client-current.pem"
            ),
        );
    }
    match names.overridden.as_deref() {
        Some(other) if other.to_ascii_lowercase() != name => {
            let evidence = format!(
                "the kubelet has --hostname-override={other}, and the Node is {name}: after its restart it would register as another Node"
            );
            block(
                ID,
                evidence,
                format!(
                    "ssh {name} grep -r hostname-override /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet"
                ),
            )
        }
        Some(_) if hostname != name => {
            let evidence = format!(
                "the hostname is {hostname}, and the Node is {name} by --hostname-override: kubeadm of 1.34.1 and others look for Node {hostname} and end with \"not found\"; make both the same"
            );
            block(HOSTNAME, evidence, format!("ssh {name} hostnamectl set-hostname {name}"))
        }
        None if hostname != name => {
            let evidence = format!(
                "the hostname is {hostname}, and the Node is {name}: kubelet and kubeadm would look for Node {hostname}; make both the same"
            );
            block(ID, evidence, format!("ssh {name} hostnamectl set-hostname {name}"))
        }
        _ => None,
    }
}
