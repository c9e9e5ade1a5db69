//! kubeadm-config exists and is readable, and every node has what kubeadm 1.32.10 and later require of it.

use super::View;
use crate::kubeadm_config::ClusterConfiguration;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = Vec::new();
    let problem = match &view.input.kubeadm_config {
        Ok(config) => ClusterConfiguration::parse(&config.cluster_configuration).err().map(|e| e.to_string()),
        Err(why) => Some(format!("ConfigMap kube-system/kubeadm-config can't be read: {why}")),
    };
    out.extend(problem.map(|p| {
        finding(
            "kubeadm-config",
            Severity::Blocker,
            None,
            p,
            "kubectl -n kube-system get cm kubeadm-config -o yaml",
        )
    }));
    for node in view.nodes().filter(|n| !n.view.cri_socket) {
        let evidence = "annotation kubeadm.alpha.kubernetes.io/cri-socket is missing: kubeadm upgrade node of 1.32.10 and later needs it";
        let next = format!(
            "kubectl annotate node {} kubeadm.alpha.kubernetes.io/cri-socket=unix:///run/containerd/containerd.sock",
            node.name
        );
        out.push(finding("kubeadm-config", Severity::Blocker, Some(&node.name), evidence.into(), &next));
    }
    out
}
