//! What comes back through the doors, as the engine reads it: only the fields that something is decided from or that people are shown.

use podlift_model::{Digest, Epoch, KubeVersion, NodeName, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who cordoned a node: written to it in the same patch as the cordon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    pub run: RunId,
    pub epoch: Epoch,
}

/// What podlift reads of a Node object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeView {
    pub name: NodeName,
    pub ready: bool,
    /// Message of the Ready condition where it is not True.
    pub ready_message: String,
    pub unschedulable: bool,
    /// podlift's own mark, where it is there and readable.
    pub owner: Option<Owner>,
    pub kubelet: Option<KubeVersion>,
    pub control_plane: bool,
    pub cri_socket: bool,
    pub internal_ip: Option<String>,
    /// `containerd://2.1.4`, as the kubelet told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// For people to select by; nothing is decided from them, and no plan rests on them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// What stands between a node and an empty node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct EvictionView {
    /// namespace/name to be evicted.
    pub evict: Vec<String>,
    /// `cannot delete …: ns/a` as drain says it: nothing is evicted while there is one.
    pub refused: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubeadmConfigView {
    pub resource_version: String,
    pub cluster_configuration: String,
    /// `manager at time`, newest first: who wrote it.
    pub managers: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubeletConfigView {
    pub resource_version: String,
    /// Key `kubelet`: a KubeletConfiguration.
    pub kubelet: String,
    /// `manager at time`, newest first: who wrote it.
    pub managers: Vec<String>,
}

/// A sealed set of backups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupView {
    /// Its name, as `podlift backup verify` takes it.
    pub set: String,
    /// Of its manifest of hashes.
    pub sha256: Digest,
    pub members: u32,
    pub bytes: u64,
    /// Its secrets are encrypted to a recipient of the configuration; false: they were left out.
    pub encrypted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddonsView {
    /// ConfigMap kube-proxy exists.
    pub kube_proxy: bool,
    /// ConfigMap coredns exists.
    pub coredns: bool,
    /// Version of the kube-proxy DaemonSet's image.
    pub kube_proxy_version: Option<KubeVersion>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiProbe {
    pub endpoint: String,
    pub ok: bool,
    pub why: String,
}
