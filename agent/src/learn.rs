//! Learning what the manifests must contain: only while this node's own API server is Ready with exactly the flags that are on the disk,
//! and its etcd answers. Also asks whether the expected etcd is still the same cluster. Asks; never repairs.

use crate::heal::Expectations;
use crate::heal::manifest::Manifest;
use crate::node::Node;
use crate::ops::look::api_server;
use crate::tools::etcdctl::Access;
use podlift_model::op::Component;

/// One background check. Nothing to do on a worker.
pub(crate) async fn learn(node: &Node) {
    let known = node.heal.expectations();
    if let Some(known) = &known {
        check_cluster(node, known).await;
    }
    if node.heal.kubeadm_running() {
        return;
    }
    let Some(look) = node.heal.fit(Component::KubeApiserver) else { return };
    let (Some(manifest), hash) = (look.manifest(), &look.hash) else { return };
    let servers = manifest.flags().joined("etcd-servers").unwrap_or_default();
    if node.heal.knows(hash) || manifest.flags().items("etcd-servers").is_empty() {
        return;
    }
    let Ok(state) = api_server::state(node).await else { return };
    if !state.ready || !state.flags_match {
        return;
    }
    let cluster = cluster_of(node, manifest).await;
    let before = known.as_ref().and_then(|k| k.etcd_cluster.clone());
    if let (Some(before), Some(now)) = (&before, &cluster)
        && before != now
    {
        tracing::warn!(
            expected = before,
            found = now,
            "the API server runs on another etcd cluster than expected; nothing learned"
        );
        return node.heal.set_other_etcd(cluster);
    }
    match node.heal.learned(servers, cluster.or(before), hash) {
        Ok(()) => tracing::info!("learned what this node's manifests must contain"),
        Err(error) => tracing::warn!(%error, "expectations can't be kept"),
    }
}

/// Another cluster forbids the heal; no answer does not.
async fn check_cluster(node: &Node, known: &Expectations) {
    let Some(expected) = &known.etcd_cluster else { return };
    let Some(access) = Access::of_node(&node.host, &node.config.cluster, Some(&known.etcd_servers)) else {
        return;
    };
    let access = access.at(&known.etcd_servers);
    if let Ok(found) = access.cluster_id(&node.host).await {
        node.heal.set_other_etcd((found != *expected).then_some(found));
    }
}

async fn cluster_of(node: &Node, manifest: &Manifest) -> Option<String> {
    Access::of_manifest(&node.host, &node.config.cluster, manifest, None)?.cluster_id(&node.host).await.ok()
}

#[cfg(test)]
#[path = "learn_tests.rs"]
mod tests;
