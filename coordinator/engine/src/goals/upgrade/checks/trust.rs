//! Kubeconfigs of the control plane whose CA data does not verify the API server's certificate, because a CA rotation was not completed
//! (kubernetes/kubeadm#2027). kubeadm renews the certificates in them, but leaves the CA data unchanged.

use super::View;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let all = view.surveys().flat_map(|(node, s)| s.kubeconfigs.iter().map(move |k| (node, k)));
    let wrong = all.filter(|(_, k)| k.trusts == Ok(false));
    wrong
        .map(|(node, k)| {
            let evidence = format!(
                "the CA data of {} does not verify the certificate of this node's API server: who uses it is cut off after the upgrade; put the present CA into it",
                k.path
            );
            let next = format!("ssh {node} grep certificate-authority-data {} /etc/kubernetes/admin.conf", k.path);
            finding("ca-trust", Severity::Blocker, Some(node), evidence, &next)
        })
        .collect()
}
