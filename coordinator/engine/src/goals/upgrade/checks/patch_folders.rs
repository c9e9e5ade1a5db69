//! Folders with kubeadm patches that podlift does not own. kubeadm keeps no patches in the cluster (kubernetes/kubeadm#2367), and podlift
//! passes its own folder to kubeadm, so settings that only those files have would be lost.

use super::View;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let folders = view.surveys().flat_map(|(node, s)| s.patch_folders.iter().map(move |f| (node, f)));
    folders
        .map(|(node, folder)| {
            let evidence = format!(
                "{folder} has patches for kubeadm, and this run does not pass that folder: what they say of manifests goes where kubeadm-config does not say it too"
            );
            let next = format!("ssh {node} 'grep -rn \"\" {folder}'");
            finding("kubeadm-patches", Severity::Warning, Some(node), evidence, &next)
        })
        .collect()
}
