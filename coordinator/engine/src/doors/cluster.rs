//! What a step may ask of the Kubernetes API, and what it may change there. How a call is made is the coordinator's business.

use super::views::{AddonsView, ApiProbe, EvictionView, KubeadmConfigView, KubeletConfigView, NodeView};
use crate::survey::ClusterSurvey;
use podlift_model::{NodeName, RunId};

/// Name of the address in front of the API servers among the probed endpoints.
pub const VIP: &str = "vip";

/// A question to the API. Reads only, and needs no epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterLook {
    Nodes,
    /// As Nodes, and may be up to a second old: for counts that many lanes ask for at once.
    NodesLately,
    Node {
        node: NodeName,
    },
    /// Pods that a drain of this node has to evict, and those that forbid it.
    PodsToEvict {
        node: NodeName,
    },
    KubeadmConfig,
    KubeletConfig,
    Addons,
    /// /readyz of each endpoint by itself; the proxy is asked apart.
    ProbeApiServers {
        endpoints: Vec<String>,
    },
    /// All that a plan rests on and that the cluster itself tells; each API server (host:port) by itself where it matters.
    Survey {
        endpoints: Vec<String>,
    },
}

/// The answer to a look of the same name.
#[derive(Debug, Clone, PartialEq)]
pub enum ClusterReply {
    Nodes(Vec<NodeView>),
    Node(NodeView),
    Pods(EvictionView),
    KubeadmConfig(KubeadmConfigView),
    KubeletConfig(KubeletConfigView),
    Addons(AddonsView),
    Probes(Vec<ApiProbe>),
    Survey(Box<ClusterSurvey>),
}

/// One change in the cluster, fenced by the epoch of the coordinator that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterAct {
    /// unschedulable, owner and epoch in one patch with resourceVersion. Refused (`cordon-foreign`) where somebody else cordoned.
    Cordon { node: NodeName, run: RunId },
    /// Only where the cordon carries this run's owner; anything else is left and reported as such.
    Uncordon { node: NodeName, run: RunId },
    /// Evicts and waits. Err(`drain-blocked`) names pods and budgets.
    Drain { node: NodeName, run: RunId, seconds: u32 },
    /// Writes ClusterConfiguration with a resourceVersion precondition.
    WriteKubeadmConfig { resource_version: String, cluster_configuration: String },
    /// Writes key `kubelet` of ConfigMap kube-system/kubelet-config with a resourceVersion precondition.
    WriteKubeletConfig { resource_version: String, kubelet: String },
}
