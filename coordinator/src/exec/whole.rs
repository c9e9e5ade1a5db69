//! Whether a node may get work again: it is Ready, and its kubelet runs the version of its package.

use podlift_engine::steps::Cx;
use podlift_engine::{ClusterLook, ClusterReply, Probe, Reply};
use podlift_model::{Look, OpOutput};

pub(super) fn looks(cx: &Cx<'_>) -> Vec<Probe> {
    let node = cx.node();
    vec![Probe::Cluster(ClusterLook::Node { node: node.clone() }), Probe::Node(node, Look::Facts)]
}

pub(super) fn verdict(_cx: &Cx<'_>, replies: &[Reply]) -> Result<(), String> {
    let [Reply::Cluster(ClusterReply::Node(view)), Reply::Node(output)] = replies else {
        return Err("unexpected answers".into());
    };
    let OpOutput::Facts(facts) = output.as_ref() else { return Err("unexpected answers".into()) };
    if !view.ready {
        return Err(format!("it is not Ready: {}", view.ready_message));
    }
    let package = facts.packages.get("kubelet").and_then(|p| p.version.as_ref()).map(|v| v.kube);
    let text = |v: Option<podlift_model::KubeVersion>| v.map_or("unknown".into(), |v| v.to_string());
    match view.kubelet == package && package.is_some() {
        true => Ok(()),
        false => Err(format!(
            "its kubelet runs {}, and the installed package is {}",
            text(view.kubelet),
            text(package)
        )),
    }
}
