//! Learning what the manifests must contain: only while this node's own API server is Ready with exactly the flags that are on the disk,
//! and its etcd answers. Also asks whether the expected etcd is still the same cluster. Asks; never repairs.

use crate::heal::expectations::{Expectations, save_good_copy};
use crate::heal::manifest::Manifest;
use crate::heal::mend::see;
use crate::heal::rules::{Seen, Situation, judge};
use crate::node::Node;
use crate::ops::look::api_server;
use crate::paths;
use crate::tools::etcdctl::Access;
use podlift_model::Digest;
use podlift_model::op::Component;
use std::collections::BTreeMap;
use std::io;

/// One background check. Nothing to do on a worker.
pub(crate) async fn learn(node: &Node) {
    let Ok(bytes) = node.host.files.read(&paths::manifest(Component::KubeApiserver)) else { return };
    let known = node.heal.expectations();
    if let Some(known) = &known {
        check_cluster(node, known).await;
    }
    if node.heal.kubeadm_running() {
        return;
    }
    let hash = Digest::of(&bytes);
    let up_to_date = known.as_ref().is_some_and(|k| k.learned_from == hash && k.good == manifests(node));
    let Ok(manifest) = Manifest::parse(Component::KubeApiserver, &bytes) else { return };
    let servers = manifest.flags().joined("etcd-servers").unwrap_or_default();
    if up_to_date || manifest.flags().items("etcd-servers").is_empty() {
        return;
    }
    let Ok(state) = api_server::state(node).await else { return };
    if !state.ready || !state.flags_match {
        return;
    }
    let cluster = cluster_of(node, &manifest).await;
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
    let etcd_cluster = cluster.or(before);
    let learned = keep(node, &hash).and_then(|good| {
        let at = node.host.clock.now();
        node.heal.set_expectations(Expectations {
            etcd_servers: servers,
            etcd_cluster,
            learned_from: hash,
            at,
            good,
        })
    });
    match learned {
        Ok(()) => tracing::info!("learned what this node's manifests must contain"),
        Err(error) => tracing::warn!(%error, "expectations can't be kept"),
    }
}

/// Another cluster forbids the heal; no answer does not.
async fn check_cluster(node: &Node, known: &Expectations) {
    let Some(expected) = &known.etcd_cluster else { return };
    let Some(access) = Access::of_node(node, Some(&known.etcd_servers)) else { return };
    let access = access.at(&known.etcd_servers);
    if let Ok(found) = access.cluster_id(&node.host).await {
        node.heal.set_other_etcd((found != *expected).then_some(found));
    }
}

async fn cluster_of(node: &Node, manifest: &Manifest) -> Option<String> {
    Access::of_manifest(node, manifest, None)?.cluster_id(&node.host).await.ok()
}

/// Hashes of the manifests that are fit to be kept.
fn manifests(node: &Node) -> BTreeMap<Component, Digest> {
    fit(node).map(|(component, bytes)| (component, Digest::of(bytes))).collect()
}

fn fit(node: &Node) -> impl Iterator<Item = (Component, Vec<u8>)> {
    Component::ALL.iter().filter_map(|component| {
        let bytes = node.host.files.read(&paths::manifest(*component)).ok()?;
        let seen = see(*component, Some(&bytes));
        let sound = matches!(seen, Seen::Manifest(_))
            && judge(*component, &seen, &Situation::default()).iter().all(|f| f.fix.is_none());
        sound.then_some((*component, bytes))
    })
}

/// Copies what is fit. The API server's manifest must be the one that was Ready.
fn keep(node: &Node, ready: &Digest) -> io::Result<BTreeMap<Component, Digest>> {
    let mut good = BTreeMap::new();
    for (component, bytes) in fit(node) {
        let hash = Digest::of(&bytes);
        if component == Component::KubeApiserver && hash != *ready {
            return Err(io::Error::other("the manifest changed while it was learned from"));
        }
        save_good_copy(node.host.files.as_ref(), component, &bytes)?;
        good.insert(component, hash);
    }
    Ok(good)
}

#[cfg(test)]
#[path = "learn_tests.rs"]
mod tests;
