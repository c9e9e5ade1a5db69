//! What nodes offer to pods beyond processors and memory: GPUs, MIG devices, InfiniBand, and the MIG layout.

use super::super::api::Api;
use super::meta::Meta;
use crate::cluster::kube::nodes;
use crate::cluster::kube::pages::or_default;
use podlift_engine::survey::Hardware;
use podlift_model::{Failure, NodeName};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Labels that change although the hardware does not.
const RESTLESS: &[&str] = &["nvidia.com/gfd.timestamp", "nvidia.com/gpu-driver-upgrade-state"];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Node {
    #[serde(deserialize_with = "or_default")]
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(deserialize_with = "or_default")]
    allocatable: BTreeMap<String, String>,
}

/// Only nodes that have such hardware.
pub(in crate::cluster::kube) async fn read(api: &Api) -> Result<BTreeMap<NodeName, Hardware>, Failure> {
    let mut nodes = BTreeMap::new();
    api.each("/api/v1/nodes", &[], |node: Node| {
        let name = NodeName::new(node.metadata.name.as_str());
        if let (Ok(name), Some(hardware)) = (name, view(node)) {
            nodes.insert(name, hardware);
        }
    })
    .await?;
    Ok(nodes)
}

/// The same for one node; `None` if it has no such hardware.
pub(in crate::cluster::kube) async fn of_node(
    api: &Api,
    node: &NodeName,
) -> Result<Option<Hardware>, Failure> {
    let node = nodes::raw(api, node).await?;
    let unreadable = |e: serde_json::Error| {
        Failure::permanent("node-unreadable", format!("a Node object can't be read: {e}"))
    };
    serde_json::from_value(node).map(view).map_err(unreadable)
}

/// The name of an extended resource contains a domain; the names of Kubernetes' own resources do not.
fn view(node: Node) -> Option<Hardware> {
    let allocatable: BTreeMap<_, _> =
        node.status.allocatable.into_iter().filter(|(name, _)| name.contains('/')).collect();
    let labels = node.metadata.labels.unwrap_or_default().into_iter();
    let labels: BTreeMap<_, _> =
        labels.filter(|(k, _)| k.starts_with("nvidia.com/") && !RESTLESS.contains(&k.as_str())).collect();
    (!allocatable.is_empty() || !labels.is_empty()).then_some(Hardware { allocatable, labels })
}
