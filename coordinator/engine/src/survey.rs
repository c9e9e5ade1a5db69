//! What the cluster itself reports when a plan is made, as the planner reads it. As in a node's survey, a look that failed gives the
//! reason.

mod selector;

pub use selector::{Expression, Selector};

use crate::doors::CalicoView;
use crate::placement::Wish;
use jiff::Timestamp;
pub use podlift_model::bcm::BcmApplication;
use podlift_model::survey::Seen;
use podlift_model::{Checkpoint, NodeName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterSurvey {
    /// Pods of all namespaces.
    pub pods: Seen<Vec<PodView>>,
    pub budgets: Seen<Vec<BudgetView>>,
    pub load_balancers: Seen<Vec<LoadBalancerView>>,
    pub ingresses: Seen<Vec<IngressView>>,
    /// `kubelet` of ConfigMap kube-system/kubelet-config.
    pub kubelet_config: Seen<String>,
    /// `config.conf` of ConfigMap kube-system/kube-proxy; `None` if there is no such ConfigMap.
    pub kube_proxy_config: Seen<Option<String>>,
    /// API server (host:port) to the requested APIs that it will not serve.
    pub deprecated: BTreeMap<String, Seen<Vec<DeprecatedUse>>>,
    /// CustomResourceDefinitions and built-in groups with objects stored in versions that the target no longer has.
    pub stored: Seen<Vec<StoredVersion>>,
    pub tigera: Seen<Vec<TigeraStatus>>,
    /// Calico's operator; `Ok(None)` if it is not installed.
    #[serde(default = "operator_not_asked")]
    pub tigera_operator: Seen<Option<TigeraOperator>>,
    pub runtime_classes: Seen<Vec<String>>,
    /// Applications that BCM itself applies to the cluster; `None` if BCM is not asked.
    pub applications: Seen<Option<Vec<BcmApplication>>>,
    /// Node to the hardware that it offers: GPUs, MIG devices, InfiniBand.
    pub hardware: Seen<BTreeMap<NodeName, Hardware>>,
    /// Certificates that the ingress addresses really serve.
    pub served: Vec<ServedCertificate>,
    /// The CoreDNS that kubeadm would migrate; `Ok(None)` if the cluster has none.
    #[serde(default = "not_asked")]
    pub core_dns: Seen<Option<CoreDnsView>>,
    /// Rights that the coordinator needs in the API and does not have. Empty if it has all of them.
    #[serde(default = "rights_not_asked")]
    pub rights: Seen<Vec<MissingRight>>,
    /// Gangs as the objects of their schedulers declare them. Empty where no scheduler of gangs is served, or podlift may not read it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gangs: Vec<GangView>,
    /// Controllers of ingresses and gateways, with their default certificates.
    #[serde(default = "controllers_not_asked")]
    pub controllers: Seen<Vec<IngressController>>,
    /// Calico with its operator and their owners.
    #[serde(default = "calico_not_asked")]
    pub calico: Seen<CalicoView>,
}

fn controllers_not_asked() -> Seen<Vec<IngressController>> {
    Err("it was not asked for".into())
}

fn calico_not_asked() -> Seen<CalicoView> {
    Err("it was not asked for".into())
}

fn not_asked() -> Seen<Option<CoreDnsView>> {
    Err("it was not asked for".into())
}

fn operator_not_asked() -> Seen<Option<TigeraOperator>> {
    Err("it was not asked for".into())
}

fn rights_not_asked() -> Seen<Vec<MissingRight>> {
    Err("it was not asked for".into())
}

/// A right that a SelfSubjectAccessReview denied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct MissingRight {
    /// `get`, `list`, `patch`, `create`.
    pub verb: String,
    /// Empty for the core group.
    pub group: String,
    /// `nodes`, `pods/eviction`.
    pub resource: String,
    /// `None` for the whole cluster.
    pub namespace: Option<String>,
    /// The one object that the right is about; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The path of a right that is about no resource: `/readyz`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What podlift does with the right, in a few words.
    pub needed_for: String,
    /// A run goes on without it, and only knows less.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub useful: bool,
}

/// Deployment and ConfigMap kube-system/coredns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoreDnsView {
    /// Image of its container.
    pub image: String,
    /// `Corefile` of the ConfigMap.
    pub corefile: String,
}

/// What the object of a gang's scheduler declares: a PodGroup, or a Workload of Kueue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GangView {
    /// `namespace/Kind/name`, as the id of the job that its pods make.
    pub id: String,
    /// The least number of pods with which it works: 1 if each pod works alone. `None` if the object does not declare it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_member: Option<u32>,
    /// The number of pods that it has when it is whole; `None` if the object does not declare it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<u32>,
}

/// What podlift reads of a Pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PodView {
    pub namespace: String,
    pub name: String,
    pub node: Option<NodeName>,
    pub labels: BTreeMap<String, String>,
    pub phase: String,
    pub ready: bool,
    /// Reason for which a container waits: `CrashLoopBackOff`, `ImagePullBackOff`.
    pub waiting: Option<String>,
    pub restarts: u32,
    /// Exit code and reason of the last container that ended.
    pub last_exit: Option<String>,
    /// Controller, `StatefulSet/name`; `None` if no controller would make the pod again.
    pub owner: Option<String>,
    pub mirror: bool,
    pub daemon_set: bool,
    pub finished: bool,
    /// Image of its first container, for pods of Run:ai's own namespaces; their tag is the version of Run:ai.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Names of its emptyDir volumes.
    pub empty_dirs: Vec<String>,
    /// Number of GPUs and MIG devices that it requests.
    pub gpus: u32,
    /// How it gets a GPU without a request: `runtime class nvidia`, `resource claims`, `NVIDIA_VISIBLE_DEVICES`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_by: Option<String>,
    /// What it requests of extended resources: `nvidia.com/gpu`, `nvidia.com/mig-1g.10gb`, `rdma/ib`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, u64>,
    /// What its spec says of the nodes on which it may run; `None` if it says nothing, or if nobody reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<Box<Wish>>,
    /// The job that it belongs to, if that has members on several nodes: `Kind/name`, in the pod's namespace.
    pub gang: Option<String>,
    /// Since when it runs: the time of its start, or of its creation if the kubelet has not reported a start. `None` if neither is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// Name of its priority class, or `preemptible` if its scheduler may take it away at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// The label or annotation by which its owner forbids an interruption: `key=value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never_interrupt: Option<String>,
    /// What its owner wants to be done before it is evicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// What its annotations about a checkpoint say that can't be understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_fault: Option<String>,
    /// A person works in it: a workspace.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interactive: bool,
    /// Finalizers: the pod stays until their owners remove them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finalizers: Vec<String>,
    /// Since when it is being deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminating: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetView {
    pub namespace: String,
    pub name: String,
    pub selector: Selector,
    pub disruptions_allowed: i32,
    pub current_healthy: i32,
    pub desired_healthy: i32,
    pub expected_pods: i32,
    /// The controller has seen the present generation of the specification.
    pub observed: bool,
    /// `AlwaysAllow` or `IfHealthyBudget`.
    pub unhealthy_policy: String,
    /// Message of the condition DisruptionAllowed with reason SyncFailed: the controller can't count the budget's pods, and allows no
    /// eviction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_failed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoadBalancerView {
    pub namespace: String,
    pub name: String,
    pub addresses: Vec<String>,
    /// What assigned the address: class, annotation or field manager of the status.
    pub assigned_by: Option<String>,
    pub requested: Option<String>,
    pub ports: Vec<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IngressView {
    pub namespace: String,
    pub name: String,
    pub hosts: Vec<String>,
    pub tls_secrets: Vec<String>,
    pub addresses: Vec<String>,
}

/// A line of `apiserver_requested_deprecated_apis`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeprecatedUse {
    pub group: String,
    pub version: String,
    pub resource: String,
    /// `1.32`; empty if it is not decided.
    pub removed_release: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredVersion {
    pub resource: String,
    pub version: String,
    pub objects: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TigeraStatus {
    pub name: String,
    pub available: bool,
    pub degraded: bool,
    pub progressing: bool,
    pub message: String,
}

/// Deployment tigera-operator/tigera-operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TigeraOperator {
    /// Calico also runs from manifests: DaemonSet kube-system/calico-node exists.
    pub beside_manifests: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hardware {
    /// Resource to the allocatable amount: `nvidia.com/gpu`, `nvidia.com/mig-1g.10gb`, `rdma/ib`.
    pub allocatable: BTreeMap<String, String>,
    /// `nvidia.com/mig.config` and similar labels.
    pub labels: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServedCertificate {
    /// The host:port that was connected to; `server_name` is the requested name.
    pub address: String,
    pub server_name: String,
    /// The reason of a failure begins with what went wrong: `refused:`, `reset:`, `no-answer:` or `not-tls:`.
    pub certificate: Seen<Certificate>,
    /// The answer to one HTTP request over the same connection; `None` if none was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Seen<PageView>>,
}

/// An answer to an HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageView {
    pub status: u16,
    /// The page's title; empty if it has none.
    pub title: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    pub subject: String,
    pub names: Vec<String>,
    /// SHA-256 of the DER, hexadecimal.
    pub fingerprint: String,
    pub not_after: Timestamp,
    /// Empty in records of older versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub issuer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The certificates that follow it in the handshake, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<Link>,
}

/// A certificate of a chain, above the one that a server has itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    pub subject: String,
    pub issuer: String,
    /// SHA-256 of the DER, hexadecimal.
    pub fingerprint: String,
    pub not_after: Timestamp,
}

/// The controller that serves ingresses or gateways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IngressController {
    pub family: IngressFamily,
    pub namespace: String,
    pub name: String,
    /// The secret of its default certificate, `namespace/name`: from `--default-ssl-certificate` of ingress-nginx,
    /// `--default-ssl-certificate` or `ssl-certificate` of HAProxy, the TLSStore `default` of Traefik, or a listener of a Gateway. `None` if
    /// it names none, and serves a certificate of its own making.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_certificate: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IngressFamily {
    IngressNginx,
    Haproxy,
    Traefik,
    GatewayApi,
}

impl ClusterSurvey {
    /// A survey in which no look could be made.
    pub fn unseen(why: &str) -> Self {
        Self {
            pods: Err(why.into()),
            budgets: Err(why.into()),
            load_balancers: Err(why.into()),
            ingresses: Err(why.into()),
            kubelet_config: Err(why.into()),
            kube_proxy_config: Err(why.into()),
            deprecated: BTreeMap::new(),
            stored: Err(why.into()),
            tigera: Err(why.into()),
            tigera_operator: Err(why.into()),
            runtime_classes: Err(why.into()),
            applications: Err(why.into()),
            hardware: Err(why.into()),
            served: vec![],
            core_dns: Err(why.into()),
            rights: Err(why.into()),
            gangs: vec![],
            controllers: Err(why.into()),
            calico: Err(why.into()),
        }
    }
}
