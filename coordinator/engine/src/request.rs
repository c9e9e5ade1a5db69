//! What a step may ask for: an op on one host, one call to the cluster, or several looks at once. Like the host ops this is a closed
//! vocabulary; how a call is made is the coordinator's business.

use crate::survey::ClusterSurvey;
use podlift_model::{Digest, Epoch, HostOp, KubeVersion, NodeName, OpOutput, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    Host {
        node: NodeName,
        op: HostOp,
    },
    Cluster(ClusterCall),
    /// Several looks; never mutations.
    Many(Vec<Request>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    Host(Box<OpOutput>),
    Cluster(ClusterReply),
    Many(Vec<Reply>),
}

/// Who cordoned a node: written to it in the same patch as the cordon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    pub run: RunId,
    pub epoch: Epoch,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterCall {
    Nodes,
    /// As Nodes, and may be up to a second old: for counts that many lanes ask for at once.
    NodesLately,
    Node {
        node: NodeName,
    },
    /// unschedulable, owner and epoch in one patch with resourceVersion. Refused (`cordon-foreign`) where somebody else cordoned.
    Cordon {
        node: NodeName,
        run: RunId,
    },
    /// Only where the cordon carries this run's owner; anything else is left and reported as such.
    Uncordon {
        node: NodeName,
        run: RunId,
    },
    /// Pods that a drain of this node has to evict, and those that forbid it.
    PodsToEvict {
        node: NodeName,
    },
    /// Evicts and waits. Err(`drain-blocked`) names pods and budgets.
    Drain {
        node: NodeName,
        run: RunId,
        seconds: u32,
    },
    KubeadmConfig,
    /// Writes ClusterConfiguration with a resourceVersion precondition.
    WriteKubeadmConfig {
        resource_version: String,
        cluster_configuration: String,
    },
    Addons,
    /// /readyz of each endpoint by itself; the proxy is asked apart.
    ProbeApiServers {
        endpoints: Vec<String>,
    },
    KubeletConfig,
    /// Writes key `kubelet` of ConfigMap kube-system/kubelet-config with a resourceVersion precondition.
    WriteKubeletConfig {
        resource_version: String,
        kubelet: String,
    },
    /// The sealed set of a run, verified anew; None: there is none yet. Reads only.
    Backup {
        run: RunId,
    },
    /// Collects the run's set from these nodes and from the cluster, seals it and answers with it. Where it is sealed already, it is
    /// verified and answered. A missing or empty member is an error that names it.
    CollectBackup {
        run: RunId,
        nodes: Vec<NodeName>,
    },
    /// All that a plan rests on and that the cluster itself tells; each API server (host:port) by itself where it matters. Reads only.
    Survey {
        endpoints: Vec<String>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum ClusterReply {
    Nodes(Vec<NodeView>),
    Node(NodeView),
    Pods(EvictionView),
    KubeadmConfig(KubeadmConfigView),
    Addons(AddonsView),
    Probes(Vec<ApiProbe>),
    Survey(Box<ClusterSurvey>),
    KubeletConfig(KubeletConfigView),
    Backup(Option<BackupView>),
    /// A mutation with a line for people.
    Changed(String),
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
