//! Learns what the manifests must contain. A component's manifest is learned only when its container runs with exactly that file and is
//! healthy; for kube-apiserver the etcd behind it must also answer as the expected cluster. If nothing can be learned, the reason is always
//! reported. This module asks but never repairs, and asks nothing while a kubeadm runs.
//!
//! "Runs with exactly this manifest" is a pair of a content (canonical JSON of what the kubelet reads) and the kubelet's config hash. The
//! heal keeps eight pairs for each component. The hash is made from a dump of Go structures and can't be computed here, and the order of
//! times alone would be wrong after a chmod or a heal back to the same content.

mod api_server;
mod etcd;
mod others;
mod patience;
mod runtime;

pub(crate) use runtime::answer_runtime;

use crate::node::Node;
use patience::Patience;
use podlift_common::rhythm;
use podlift_heal::Look;
use podlift_heal::rules::Seen;
use podlift_model::op::Component;
use std::sync::Arc;
use tokio::time::Instant;

/// Keeps the expectations current.
pub(crate) async fn learn(node: &Node) {
    let mut patience = Patience::default();
    loop {
        round(node, &mut patience).await;
        let due = rhythm::next(node.origin, Instant::now(), node.config.heal.check);
        tokio::time::sleep_until(due).await;
    }
}

/// One background check. It has nothing to do on a worker.
async fn round(node: &Node, patience: &mut Patience) {
    if node.heal.kubeadm_running() {
        return;
    }
    etcd::tell(node).await;
    for component in Component::ALL {
        match learned(node, *component, patience).await {
            Ok(()) => patience.forget(*component),
            // A kubeadm began meanwhile and replaces the manifest that was checked.
            Err(_) if node.heal.kubeadm_running() => return,
            Err(why) => {
                node.heal.not_learned(*component, &why);
                patience.unlearned(*component, &why, Instant::now());
            }
        }
    }
}

/// The error says why nothing could be learned.
async fn learned(node: &Node, component: Component, patience: &Patience) -> Result<(), String> {
    let Some(look) = fit(node, component)? else { return Ok(()) };
    if node.heal.knows(component, &look.hash) {
        // The manifest is a known one again, so there is nothing more to wait for.
        return match patience.waits(component) {
            true => node.heal.learned_component(component, &look.hash).map_err(|error| error.to_string()),
            false => Ok(()),
        };
    }
    match component {
        Component::KubeApiserver => api_server::learn(node, &look).await,
        _ => others::learn(node, component, &look).await,
    }
    .inspect(|()| tracing::info!(%component, "learned what this node's manifest must contain"))
}

/// The manifest on the disk, if the heal may learn from it. `None` on a node without the manifest that needs none.
fn fit(node: &Node, component: Component) -> Result<Option<Arc<Look>>, String> {
    let look = node.heal.seen(component).map_err(|e| e.to_string())?;
    match &look.seen {
        Seen::Missing if node.is_control_plane() => return Err(format!("{} is missing", component.file())),
        Seen::Missing => return Ok(None),
        Seen::Unreadable(why) | Seen::Strange { what: why, .. } => return Err(why.clone()),
        Seen::Manifest(manifest) => manifest.opaque().map_or(Ok(()), Err)?,
    }
    let fit = node.heal.fit(component).filter(|fit| fit.hash == look.hash);
    fit.map(Some).ok_or_else(|| format!("{} needs a repair first; see its findings", component.file()))
}

#[cfg(test)]
mod tests;
