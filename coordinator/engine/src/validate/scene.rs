//! What a validation looks at. Each part was seen, or has the reason why it was not.

use crate::doors::{AddonsView, CalicoView, NodeView, RolloutView};
use crate::program::{Recorded, Severity};
use crate::survey::{BcmApplication, Hardware, LoadBalancerView, ServedCertificate};
use jiff::Timestamp;
use podlift_model::components::ComponentState;
use podlift_model::facts::EtcdState;
use podlift_model::survey::Seen;
use podlift_model::{KubeVersion, NodeName, RunId};
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
pub struct Scene {
    pub at: Timestamp,
    pub run: Option<RunId>,
    /// The version that all nodes and components should have; `None` if no run says it: then they should have one version.
    pub version: Option<KubeVersion>,
    /// Nodes that take no part in the run, each with the reason: they may have another version.
    pub without: BTreeMap<NodeName, String>,
    /// The record from before the run; the error is why there is none.
    pub before: Seen<Recorded>,
    /// Since when Warning events count: the begin of the run, or an hour ago.
    pub since: Timestamp,
    pub nodes: Seen<Vec<NodeView>>,
    /// Control-plane node to its three components, from its agent.
    pub components: BTreeMap<NodeName, Seen<Vec<ComponentState>>>,
    /// The same a soak time later, so that a component that restarts is seen.
    pub components_after: BTreeMap<NodeName, Seen<Vec<ComponentState>>>,
    /// Seconds between the two.
    pub soak_seconds: u64,
    /// API server (host:port) to the images of the control plane's and CoreDNS' pods as it lists them.
    pub images: BTreeMap<String, Seen<Vec<ImageSeen>>>,
    /// Static pods of all nodes, by the API.
    pub static_pods: Seen<Vec<StaticPod>>,
    pub addons: Seen<AddonsView>,
    /// Control-plane node to etcd as it sees it.
    pub etcd: BTreeMap<NodeName, Seen<EtcdState>>,
    /// The same a moment later, so that a revision that stands still is seen.
    pub etcd_after: BTreeMap<NodeName, Seen<EtcdState>>,
    /// Queries of a test pod.
    pub dns: Seen<Vec<NameAnswer>>,
    pub calico: Seen<CalicoView>,
    pub load_balancers: Seen<Vec<LoadBalancerView>>,
    pub served: Seen<Vec<ServedCertificate>>,
    /// What promises TLS and was not asked, in sentences.
    pub unasked: Vec<String>,
    /// Namespace to its pods that are not Ready and have not ended.
    pub not_ready: Seen<BTreeMap<String, NotReady>>,
    pub events: Seen<Vec<EventGroup>>,
    pub hardware: Seen<BTreeMap<NodeName, Hardware>>,
    pub gpu_operator: Seen<Option<GpuSeen>>,
    pub storage: Seen<Vec<StorageSeen>>,
    pub webhooks: Seen<Vec<WebhookSeen>>,
    /// `Ok(None)` without BCM.
    pub bcm: Seen<Option<BcmSeen>>,
    /// Certificates of the cluster and of podlift, and when they end.
    pub ends: Seen<Vec<Ends>>,
    /// Days before its end from which a certificate is a failure.
    pub expires_within_days: u32,
    /// The scripts below /etc/podlift/checks.d.
    pub site: Seen<Vec<SiteSeen>>,
}

/// A running container of the control plane or of CoreDNS, as one API server lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageSeen {
    /// `kube-system/kube-apiserver-runai-01`.
    pub pod: String,
    pub container: String,
    /// From the status: what runs.
    pub image: String,
    pub ready: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticPod {
    pub node: NodeName,
    pub name: String,
    pub ready: bool,
    pub restarts: u32,
    /// When its container began to run; `None` if none runs.
    pub started: Option<Timestamp>,
    /// Why a container waits.
    pub waiting: Option<String>,
}

/// The answer to one query for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAnswer {
    /// `kubernetes.default.svc.cluster.local`.
    pub name: String,
    /// The pod that asked, with its node.
    pub asked_from: String,
    pub addresses: Seen<Vec<String>>,
    pub milliseconds: u64,
}

/// Pods of one namespace that are not Ready.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotReady {
    pub pods: u32,
    /// The first of them, each with its reason: `web-0: CrashLoopBackOff`.
    pub named: Vec<String>,
}

/// Warning events of one reason about one kind of object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventGroup {
    pub reason: String,
    pub kind: String,
    pub count: u32,
    pub first: Timestamp,
    pub last: Timestamp,
    /// One of the objects, `namespace/name`.
    pub object: String,
    /// The message about it.
    pub message: String,
}

/// The workloads of NVIDIA's GPU operator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GpuSeen {
    pub namespace: String,
    /// `daemonset/nvidia-device-plugin-daemonset` to how far it is.
    pub workloads: BTreeMap<String, RolloutView>,
}

/// A test claim of one storage class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSeen {
    pub class: String,
    pub provisioner: String,
    pub default: bool,
    /// Milliseconds until the claim was bound. `Err` if it was not, with the provisioner's own event.
    pub bound: Seen<u64>,
    /// Why no claim was made for the class; `None` if one was.
    pub skipped: Option<String>,
}

/// A webhook of an admission configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSeen {
    /// `validating/gpu-operator`.
    pub configuration: String,
    pub webhook: String,
    /// `namespace/service`, or the URL.
    pub target: String,
    /// `Fail` or `Ignore`.
    pub failure_policy: String,
    /// `Ok` if its target can answer; `None` for a URL, which is not asked.
    pub answers: Option<Seen<()>>,
}

/// What BCM's own books say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BcmSeen {
    /// The version of the cluster in its metadata.
    pub version: Seen<KubeVersion>,
    pub applications: Seen<Vec<BcmApplication>>,
    /// Software images of the cluster's nodes to the version of their kubelet package.
    pub images: Seen<BTreeMap<String, Option<KubeVersion>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// `runai-01 /etc/kubernetes/pki/apiserver.crt`.
    pub what: String,
    pub not_after: Timestamp,
    /// The command that renews it.
    pub renew: String,
}

/// A script of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteSeen {
    pub name: String,
    pub severity: Severity,
    /// Why it was not started: its own fault, such as its owner, or that nobody could start it.
    pub outcome: Seen<SiteOutcome>,
    /// The script itself is refused: world-writable, a link, another owner. A refused script has failed.
    pub refused: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteOutcome {
    pub exit_code: Option<i32>,
    /// `time` or `output`: the limit by which it was ended.
    pub killed_by: Option<String>,
    /// Tails.
    pub stdout: String,
    pub stderr: String,
    pub milliseconds: u64,
}
