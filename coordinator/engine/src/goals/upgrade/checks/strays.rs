//! Files of the manifest folder other than the three: the kubelet reads every file whose name does not begin with a dot, whatever its
//! extension, and the last file of a pod wins (Kubernetes 1.32 `pkg/kubelet/config/file.go`).

use super::View;
use crate::program::{Finding, Severity, finding};
use podlift_model::survey::{NodeSurvey, OtherManifest};

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = Vec::new();
    for (node, survey) in view.surveys() {
        for file in &survey.other_manifests {
            let name = &file.file;
            let stray = file.stray || second_etcd(survey, file);
            let (id, severity, evidence, next) = match (&file.pod, stray) {
                (pod, true) => (
                    "stray-manifests",
                    Severity::Blocker,
                    format!(
                        "/etc/kubernetes/manifests/{name} is a second file of {}: the kubelet takes whichever it reads last",
                        pod.as_deref().unwrap_or("a pod of the control plane")
                    ),
                    format!("ssh {node} mv /etc/kubernetes/manifests/{name} /root/"),
                ),
                (Some(pod), false) => (
                    "static-pods",
                    Severity::Note,
                    format!("{name} is a static pod of its own, {pod}: the upgrade leaves it as it is"),
                    String::new(),
                ),
                (None, false) => (
                    "stray-manifests",
                    Severity::Warning,
                    format!(
                        "/etc/kubernetes/manifests/{name} can't be read as a pod, and the kubelet tries again and again"
                    ),
                    format!("ssh {node} mv /etc/kubernetes/manifests/{name} /root/"),
                ),
            };
            out.push(finding(id, severity, Some(node), evidence, &next));
        }
    }
    out
}

/// Whether the file is a second manifest of etcd. Agents mark copies of the three manifests only. A copy of etcd.yaml replaces etcd in the
/// same way, and may have another version or folder.
fn second_etcd(survey: &NodeSurvey, file: &OtherManifest) -> bool {
    const ETCD: &str = "kube-system/etcd";
    let of_etcd = survey.other_manifests.iter().filter(|f| f.pod.as_deref() == Some(ETCD));
    file.pod.as_deref() == Some(ETCD) && file.file != "etcd.yaml" && of_etcd.count() > 1
}
