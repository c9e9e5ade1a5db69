//! The access to this node's etcd, with a check that it is the right one. No op touches another cluster than the learned one.

use crate::node::Node;
use podlift_model::Failure;
use podlift_model::op::Component;
use podlift_tools::etcdctl::Access;

/// Access by the live manifest, or by the learned endpoints if the manifest names none.
pub fn of(node: &Node) -> Result<Access, Failure> {
    let servers = node.heal.expectations().map(|e| e.etcd_servers);
    Access::of_node(&node.host, &node.config.cluster, servers.as_deref()).ok_or_else(|| {
        let message = "the API server's manifest names no etcd endpoints and none were learned; repair --etcd-servers first";
        Failure::operator("etcd-unknown", message)
    })
}

/// The stores of single resources in the live manifest, each with the words of its override.
pub fn overrides(node: &Node) -> Vec<(String, Access)> {
    let look = node.heal.seen(Component::KubeApiserver).ok();
    let manifest = look.as_ref().and_then(|look| look.manifest()).filter(|m| m.opaque().is_none());
    manifest.map(|m| Access::overrides(&node.host, &node.config.cluster, m)).unwrap_or_default()
}

/// Checks that all endpoints which answer belong to one cluster, and to the expected one if there is one.
pub async fn checked(node: &Node) -> Result<Access, Failure> {
    let access = of(node)?;
    let mut expected = node.heal.expectations().and_then(|e| e.etcd_cluster);
    for (endpoint, cluster) in access.clusters(&node.host).await? {
        match &expected {
            Some(expected) if *expected != cluster => return Err(other(&endpoint, &cluster, expected)),
            Some(_) => {}
            None => expected = Some(cluster),
        }
    }
    Ok(access)
}

fn other(endpoint: &str, found: &str, expected: &str) -> Failure {
    let message = format!(
        "etcd at {endpoint} belongs to cluster {found}, expected {expected}: it was restored or moved, or --etcd-servers names another cluster's; if that is right, `podlift heal accept`, else repair the manifest"
    );
    Failure::operator("etcd-other-cluster", message)
}
