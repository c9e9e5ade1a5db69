//! Reads Node objects.

use super::api::Api;
use super::cache::{Kept, number};
use super::pages::or_default;
use super::survey::CORDON_TAINT;
use super::{foreign, owner, soft_taint};
use podlift_engine::doors::NodeView;
use podlift_engine::placement::Taint;
use podlift_model::{Failure, NodeName};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Code of the failure that there is no such node.
pub(super) const NODE_GONE: &str = "node-gone";
const CRI_SOCKET: &str = "kubeadm.alpha.kubernetes.io/cri-socket";
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

pub(super) fn path(node: &NodeName) -> String {
    format!("/api/v1/nodes/{node}")
}

/// The fields of a Node that podlift reads. A real Node is tens of kilobytes, most of them images and managed fields.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Slim {
    #[serde(deserialize_with = "or_default")]
    metadata: SlimMeta,
    #[serde(deserialize_with = "or_default")]
    spec: SlimSpec,
    #[serde(deserialize_with = "or_default")]
    status: SlimStatus,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
struct SlimMeta {
    name: Value,
    resource_version: Value,
    labels: Value,
    annotations: Value,
    #[serde(deserialize_with = "or_default")]
    managed_fields: Vec<SlimManager>,
}

/// A manager of fields, and whether the cordon is among them.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct SlimManager {
    manager: Value,
    #[serde(rename = "fieldsV1", deserialize_with = "or_default")]
    fields: SlimFields,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct SlimFields {
    #[serde(rename = "f:spec", deserialize_with = "or_default")]
    spec: SlimSpecFields,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct SlimSpecFields {
    #[serde(rename = "f:unschedulable")]
    unschedulable: Value,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct SlimSpec {
    unschedulable: Value,
    taints: Value,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
struct SlimStatus {
    conditions: Value,
    addresses: Value,
    node_info: Value,
}

impl Slim {
    fn whole(&self) -> Value {
        json!({"metadata": self.metadata, "spec": self.spec, "status": self.status})
    }
}

/// A Node in the shared watch.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Slim")]
pub(super) struct Watched {
    pub view: NodeView,
    version: u64,
}

impl TryFrom<Slim> for Watched {
    type Error = String;

    fn try_from(slim: Slim) -> Result<Self, String> {
        let version = number(slim.metadata.resource_version.as_str().unwrap_or_default());
        Ok(Self { view: view(&slim.whole()).map_err(|failure| failure.message)?, version })
    }
}

impl Kept for Watched {
    const PATH: &'static str = "/api/v1/nodes";
    const KIND: &'static str = "nodes";
    fn key(&self) -> String {
        self.view.name.to_string()
    }
    fn group(&self) -> &Arc<str> {
        static ALL: LazyLock<Arc<str>> = LazyLock::new(|| "".into());
        &ALL
    }
    fn version(&self) -> u64 {
        self.version
    }
}

pub(super) async fn list(api: &Api) -> Result<Vec<NodeView>, Failure> {
    let mut views = Vec::new();
    api.each("/api/v1/nodes", &[], |node: Slim| views.push(view(&node.whole()))).await?;
    views.into_iter().collect()
}

pub(super) async fn raw(api: &Api, node: &NodeName) -> Result<Value, Failure> {
    let gone = || {
        Failure::operator(
            NODE_GONE,
            format!("node {node} is not in the cluster any more; podlift defer {node} leaves it out"),
        )
    };
    api.find(&path(node)).await?.ok_or_else(gone)
}

pub(super) fn view(node: &Value) -> Result<NodeView, Failure> {
    let meta = &node["metadata"];
    let bad =
        |why: String| Failure::permanent("node-unreadable", format!("a Node object can't be read: {why}"));
    let name = NodeName::new(meta["name"].as_str().unwrap_or_default()).map_err(|e| bad(e.to_string()))?;
    let (ready, ready_message) = readiness(&node["status"]);
    Ok(NodeView {
        ready,
        ready_message,
        unschedulable: node["spec"]["unschedulable"].as_bool().unwrap_or(false),
        owner: owner::of(node),
        kubelet: node["status"]["nodeInfo"]["kubeletVersion"].as_str().and_then(|v| v.parse().ok()),
        control_plane: meta["labels"].get(CONTROL_PLANE).is_some(),
        cri_socket: meta["annotations"].get(CRI_SOCKET).is_some(),
        internal_ip: internal_ip(&node["status"]),
        runtime: node["status"]["nodeInfo"]["containerRuntimeVersion"].as_str().map(String::from),
        labels: labels(&meta["labels"]),
        soft_taint: soft_taint::of(node),
        taints: taints(&node["spec"]["taints"]),
        controllers: foreign::marks(node),
        cordoned_by: foreign::cordoned_by(node),
        name,
    })
}

/// Those that keep pods away, but for the one that a cordon sets: the field `unschedulable` says the same.
fn taints(taints: &Value) -> Vec<Taint> {
    let all: Vec<Taint> = or_default(taints).unwrap_or_default();
    all.into_iter().filter(|taint| taint.is_hard() && taint.key != CORDON_TAINT).collect()
}

fn readiness(status: &Value) -> (bool, String) {
    let conditions = status["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|c| c["type"] == "Ready");
    match ready {
        Some(c) if c["status"] == "True" => (true, String::new()),
        Some(c) => (false, c["message"].as_str().unwrap_or("no message").to_string()),
        None => (false, "the node has no Ready condition".into()),
    }
}

fn internal_ip(status: &Value) -> Option<String> {
    let addresses = status["addresses"].as_array()?;
    let internal = addresses.iter().find(|a| a["type"] == "InternalIP")?;
    internal["address"].as_str().map(String::from)
}

fn labels(labels: &Value) -> BTreeMap<String, String> {
    let all = labels.as_object().into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_string()))).collect()
}
