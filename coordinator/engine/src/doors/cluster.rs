//! What a step may ask of the Kubernetes API, and what it may change there. The coordinator makes the calls.

use super::drain::DrainOptions;
use super::site::{CalicoView, RolloutKind, SecretView, ServiceView};
use super::views::{
    AddonsView, ApiProbe, EvictionView, KubeadmConfigView, KubeletConfigView, NodeView, RolloutView,
};
use crate::survey::{ClusterSurvey, GangView, Hardware, PodView, ServedCertificate};
use crate::validate::Validation;
use podlift_model::{NodeName, PodRef, RunId};
use serde_json::Value;

/// Name of the address in front of the API servers among the probed endpoints.
pub const VIP: &str = "vip";

/// A question to the API. It only reads, and needs no epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterLook {
    Nodes,
    /// Like Nodes, but up to a second old: for counts that many lanes request at once.
    NodesLately,
    Node {
        node: NodeName,
    },
    /// Pods that a drain of this node has to evict, and pods that forbid the drain.
    PodsToEvict {
        node: NodeName,
        options: DrainOptions,
    },
    /// Pods of this node that a drain would evict and whose owners want a checkpoint before.
    Checkpoints {
        node: NodeName,
    },
    /// Pods of this node that a drain would evict and in which people work.
    Interactive {
        node: NodeName,
    },
    KubeadmConfig,
    KubeletConfig,
    Addons,
    /// Asks /readyz of each endpoint separately. The proxy in front of the API servers is an endpoint of its own (`VIP`).
    ProbeApiServers {
        endpoints: Vec<String>,
    },
    /// The hardware that one node offers to pods now: GPUs, MIG devices, RDMA devices. The same part of the survey covers all nodes.
    Hardware {
        node: NodeName,
    },
    /// All nodes and all pods, from the coordinator's own watch of them, and what the objects of gangs declare.
    Workloads,
    /// All that a plan depends on and the cluster itself reports. Where it matters, each API server (host:port) is asked separately.
    Survey {
        endpoints: Vec<String>,
    },
    /// A service as it is now.
    Service {
        namespace: String,
        name: String,
    },
    /// The copy of a service in the newest sealed set, or in the memory of the coordinator's keeper.
    KeptService {
        namespace: String,
        name: String,
    },
    /// A TLS secret: whether it exists, which certificate it holds, and where a copy is. Never its bytes.
    Secret {
        namespace: String,
        name: String,
    },
    /// The certificates that an address (host:port) serves for a name; an empty name for a handshake without one.
    Served {
        address: String,
        name: String,
    },
    /// Calico, its operator and their owners.
    Calico,
    /// How far the pods of one workload are. Err(`not-found`) if there is no such workload.
    Rollout {
        kind: RolloutKind,
        namespace: String,
        name: String,
    },
    /// The validation of the whole cluster, made anew for each request.
    Validation,
}

/// The answer to a look of the same name.
#[derive(Debug, Clone, PartialEq)]
pub enum ClusterReply {
    Nodes(Vec<NodeView>),
    Node(NodeView),
    Pods(EvictionView),
    Checkpoints(Vec<PodRef>),
    Interactive(Vec<PodRef>),
    KubeadmConfig(KubeadmConfigView),
    KubeletConfig(KubeletConfigView),
    Addons(AddonsView),
    Probes(Vec<ApiProbe>),
    /// `None` if the node offers no such hardware.
    Hardware(Option<Hardware>),
    Workloads {
        nodes: Vec<NodeView>,
        pods: Vec<PodView>,
        /// Up to a minute old.
        gangs: Vec<GangView>,
    },
    Survey(Box<ClusterSurvey>),
    /// `None` if there is no such service.
    Service(Option<ServiceView>),
    /// `None` if no copy is kept.
    Kept(Option<Value>),
    Secret(SecretView),
    Served(Vec<ServedCertificate>),
    Calico(CalicoView),
    /// `None` if there is no such workload.
    Rollout(Option<RolloutView>),
    Validation(Box<Validation>),
}

/// One change in the cluster, fenced by the epoch of the coordinator that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterAct {
    /// Sets unschedulable, owner and epoch in one patch with resourceVersion. Refused (`cordon-foreign`) if others cordoned the node. With
    /// `from`, a cordon that this ended run has left is taken over. `held` are the packages of Kubernetes that were held on the node before
    /// the run, for the record of the node as it was.
    Cordon { node: NodeName, run: RunId, from: Option<RunId>, held: Vec<String> },
    /// Only if the cordon carries this run's owner. Any other cordon stays and is reported as such.
    Uncordon { node: NodeName, run: RunId },
    /// Puts taint `podlift.io/to-come=RUN:PreferNoSchedule` on the node, so that pods prefer nodes that are over. A taint of an ended run is
    /// replaced. `held` as in `Cordon`.
    SoftTaint { node: NodeName, run: RunId, held: Vec<String> },
    /// Removes that taint, if it is this run's.
    SoftUntaint { node: NodeName, run: RunId },
    /// Writes an Event at each of these pods: they will be evicted in so many seconds.
    Warn { node: NodeName, run: RunId, seconds: u32, pods: Vec<PodRef> },
    /// Evicts and waits. Err(`drain-blocked`) names pods and budgets.
    Drain { node: NodeName, run: RunId, seconds: u32, options: DrainOptions },
    /// Writes ClusterConfiguration with a resourceVersion precondition.
    WriteKubeadmConfig { resource_version: String, cluster_configuration: String },
    /// Writes key `kubelet` of ConfigMap kube-system/kubelet-config with a resourceVersion precondition.
    WriteKubeletConfig { resource_version: String, kubelet: String },
    /// Creates a service from its cleaned copy. An object that exists is never replaced (`made-anew`). `run` is `None` outside of runs.
    RestoreService { object: Box<Value>, run: Option<RunId> },
    /// Creates a TLS secret from the copy that the coordinator keeps; its bytes are in no act. An object that exists is never replaced
    /// (`made-anew`).
    RestoreSecret { namespace: String, name: String, run: Option<RunId> },
    /// Has the pods of a workload made anew, one after another, by the annotation of `kubectl rollout restart`. A restart by the same run is
    /// not repeated.
    RestartRollout { kind: RolloutKind, namespace: String, name: String, run: Option<RunId> },
    /// Deletes Tigera's operator and its Installation objects, after a copy of them is in the sealed backup. What is gone already counts as
    /// deleted.
    RemoveOperator { run: Option<RunId> },
}
