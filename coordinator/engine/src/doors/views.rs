//! Replies as the engine reads them: only the fields that decide something or that people see.

use crate::placement::Taint;
use podlift_model::{Digest, Epoch, KubeVersion, NodeName, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The owner of a cordon, written to the node in the same patch as the cordon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    pub run: RunId,
    pub epoch: Epoch,
    /// The run is in this journal and has ended, so that the next run may take its cordon over. Filled by the coordinator, and never written
    /// to the node.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
}

/// What podlift reads of a Node object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeView {
    pub name: NodeName,
    pub ready: bool,
    /// Message of the Ready condition if it is not True.
    pub ready_message: String,
    pub unschedulable: bool,
    /// podlift's own mark; `None` if it is absent or unreadable.
    pub owner: Option<Owner>,
    pub kubelet: Option<KubeVersion>,
    pub control_plane: bool,
    pub cri_socket: bool,
    pub internal_ip: Option<String>,
    /// Who wrote `spec.unschedulable` last, by the managed fields of the object; `None` if it is not cordoned or nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cordoned_by: Option<String>,
    /// The run of taint `podlift.io/to-come`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_taint: Option<RunId>,
    /// Taints that keep pods away which do not tolerate them, without that of a cordon.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<Taint>,
    /// Marks of other programs that cordon and uncordon nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controllers: Vec<ForeignMark>,
    /// `containerd://2.1.4`, as the kubelet reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// For the selectors of people. Nothing is decided from labels, and no plan depends on them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// podlift's name as a writer of objects.
const MANAGER: &str = "podlift";

impl NodeView {
    /// The run that has cordoned the node. podlift's mark stays when a person uncordons the node and cordons it again; that cordon is the
    /// person's, and has no owner.
    pub fn cordon_owner(&self) -> Option<&Owner> {
        let foreign = self.unschedulable && self.cordoned_by.as_ref().is_some_and(|by| by != MANAGER);
        self.owner.as_ref().filter(|_| !foreign)
    }
}

/// A mark by which another program that cordons nodes shows that it has one in hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForeignMark {
    /// `kured`, `NVSentinel`.
    pub by: String,
    /// `annotation weave.works/kured-reboot-in-progress=…`.
    pub what: String,
}

/// The pods that a drain has to evict, and the obstacles to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct EvictionView {
    /// namespace/name to be evicted.
    pub evict: Vec<String>,
    /// `cannot delete …: ns/a`, in drain's own words. While there is one, nothing is evicted.
    pub refused: Vec<String>,
    /// Pods to be evicted whose owners forbid an interruption, each with its mark: `ns/a (key=value)`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<String>,
    /// Pods that stay by design, each with the reason: they tolerate everything and come back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// What holds each remaining pod: its budget, a finalizer, a webhook.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubeadmConfigView {
    pub resource_version: String,
    pub cluster_configuration: String,
    /// `manager at time`, newest first: the writers of the object.
    pub managers: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubeletConfigView {
    pub resource_version: String,
    /// Key `kubelet`: a KubeletConfiguration.
    pub kubelet: String,
    /// `manager at time`, newest first: the writers of the object.
    pub managers: Vec<String>,
}

/// A sealed set of backups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupView {
    /// Name of the set, for `podlift backup verify`.
    pub set: String,
    /// Hash of its manifest of hashes.
    pub sha256: Digest,
    pub members: u32,
    pub bytes: u64,
    /// True if its secrets are encrypted for a recipient of the configuration; false if they were omitted.
    pub encrypted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddonsView {
    /// ConfigMap kube-proxy exists.
    pub kube_proxy: bool,
    /// ConfigMap coredns exists.
    pub coredns: bool,
    /// Version of the kube-proxy DaemonSet's image.
    pub kube_proxy_version: Option<KubeVersion>,
    /// Images of the kube-proxy DaemonSet and of the CoreDNS Deployment, as they are specified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// Rollout of the kube-proxy DaemonSet; `None` if it could not be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_proxy_rollout: Option<RolloutView>,
    /// Rollout of the CoreDNS Deployment; `None` if it could not be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coredns_rollout: Option<RolloutView>,
}

/// How far the pods of a DaemonSet or a Deployment are at its present specification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutView {
    /// The controller has seen the present generation of the specification. Until then the counts are those of an older one.
    pub observed: bool,
    pub desired: u32,
    /// Pods of the present specification.
    pub updated: u32,
    /// Available pods of any specification.
    pub available: u32,
    /// Nodes of a DaemonSet whose pod is not of the present specification, not Ready, or missing; empty for a Deployment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unready_nodes: Vec<NodeName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiProbe {
    pub endpoint: String,
    pub ok: bool,
    pub why: String,
}
