//! The folder from which the kubelet of a control-plane node reads static pods. kubeadm and heal write to /etc/kubernetes/manifests only.
//! If the kubelet reads another folder, their manifests have no effect.

use super::View;
use crate::program::{Finding, Severity, finding};
use podlift_model::NodeName;
use podlift_model::survey::KubeletSettings;

const ID: &str = "static-pod-path";
const MANIFESTS: &str = "/etc/kubernetes/manifests";

pub fn check(view: &View) -> Vec<Finding> {
    let servers = view.input.inventory.control_planes().map(|n| &n.name);
    let settings = servers.filter_map(|n| {
        let survey = view.input.surveys.get(n)?.as_ref().ok()?;
        Some((n, survey.kubelet.as_ref().ok()?))
    });
    let mut out: Vec<Finding> = settings.filter_map(|(node, settings)| other(node, settings)).collect();
    let common = view.kubelet_config().and_then(|c| c.get("staticPodPath")?.as_str().map(String::from));
    if let Some(path) = common.filter(|path| is_other(path)) {
        let evidence = format!(
            "ConfigMap kubelet-config has staticPodPath {path}: the kubelets would read {path}, and kubeadm writes {MANIFESTS}"
        );
        out.push(finding(
            ID,
            Severity::Blocker,
            None,
            evidence,
            "kubectl -n kube-system edit cm kubelet-config",
        ));
    }
    out
}

fn other(node: &NodeName, settings: &KubeletSettings) -> Option<Finding> {
    let flag = settings.flags.joined("pod-manifest-path");
    let place =
        if flag.is_some() { "--pod-manifest-path" } else { "staticPodPath of /var/lib/kubelet/config.yaml" };
    let path = flag.or_else(|| settings.config.get("staticPodPath")?.as_str().map(String::from))?;
    let evidence = format!(
        "the kubelet reads {path} ({place}), and kubeadm writes {MANIFESTS}: nothing of the upgrade would run; make both the same"
    );
    let next = format!("ssh {node} grep -rn staticPodPath /var/lib/kubelet/config.yaml");
    is_other(&path).then(|| finding(ID, Severity::Blocker, Some(node), evidence, &next))
}

/// Whether it is another folder. An empty path means that no folder is read, or that a drop-in sets it.
fn is_other(path: &str) -> bool {
    !path.is_empty() && path.trim_end_matches('/') != MANIFESTS
}
