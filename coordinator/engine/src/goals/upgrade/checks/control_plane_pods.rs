//! Pods of the control plane and the network, judged by the state of their containers, because a crash-looping pod has phase Running.

use super::View;
use crate::program::{Finding, Severity, finding};
use crate::survey::PodView;

const ID: &str = "control-plane-pods";
const NAMESPACES: &[&str] = &["kube-system", "calico-system", "calico-apiserver", "tigera-operator"];
/// Number of restarts that is worth a note even if the container runs now.
const MANY: u32 = 10;

pub fn check(view: &View) -> Vec<Finding> {
    let pods = view.cluster().and_then(|c| c.pods.as_ref().ok()).into_iter().flatten();
    let mine = pods.filter(|p| NAMESPACES.contains(&p.namespace.as_str()) && !p.finished);
    mine.filter_map(judge).collect()
}

fn judge(pod: &PodView) -> Option<Finding> {
    let last = pod.last_exit.as_ref().map(|e| format!(", last ended with {e}")).unwrap_or_default();
    let restarts = podlift_model::count(pod.restarts, "restart");
    let (severity, what) = match &pod.waiting {
        Some(reason) => (severity(pod), format!("waits: {reason}, {restarts}{last}")),
        None if !pod.ready => {
            (severity(pod), format!("is not ready (phase {}), {restarts}{last}", pod.phase))
        }
        None if pod.mirror && pod.restarts >= MANY => (Severity::Note, format!("has had {restarts}{last}")),
        None => return None,
    };
    let next = format!("kubectl -n {} describe pod {}", pod.namespace, pod.name);
    Some(finding(ID, severity, pod.node.as_ref(), format!("{} {what}", pod.full_name()), &next))
}

/// A static pod blocks, because the run replaces it. A replica of another kind may be moving to another node.
fn severity(pod: &PodView) -> Severity {
    if pod.mirror { Severity::Blocker } else { Severity::Warning }
}
