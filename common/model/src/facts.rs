//! What an agent observed of its node. Facts are data for the planner and for people; they command nothing.

use crate::digest::Digest;
use crate::flags::FlagSet;
use crate::heal::HealFacts;
use crate::ids::{BootId, LedgerId, MachineId, NodeName, OpId, RunId};
use crate::op::{Component, Package, PatchName};
use crate::version::{KubeVersion, Minor, PackageVersion};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeFacts {
    pub node: NodeName,
    pub boot: BootId,
    /// Id of the machine, read now; `None` if the agent does not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineId>,
    pub ledger: LedgerId,
    pub agent_version: String,
    /// Installed packages of the Kubernetes repository.
    pub packages: BTreeMap<String, PackageState>,
    /// `kubeadm version -o short`, `kubelet --version`: the binaries, which are not always the packages.
    pub kubeadm: Option<KubeVersion>,
    pub kubelet: Option<KubeVersion>,
    pub kubectl: Option<KubeVersion>,
    /// Minor of the Kubernetes repository in the apt sources.
    pub apt_minor: Option<Minor>,
    /// Empty on a worker.
    pub manifests: Vec<ManifestFacts>,
    /// host:port of this node's own API server, from the manifest's annotation.
    pub advertise: Option<String>,
    pub etcd_endpoints: Vec<String>,
    pub guard: GuardState,
    /// Whether heal knows what this node's manifests must contain; `None` if it does not.
    pub expectations: Option<ExpectationFacts>,
    /// State of the heal; `None` if the agent does not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heal: Option<Box<HealFacts>>,
    /// Files of the node's `kubeadm --patches` directory, which the agent passes to every kubeadm run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub patches: BTreeMap<PatchName, Digest>,
    /// age recipients of the node's own configuration, for whom the agent encrypts the secrets of a backup. If the list is empty, it serves
    /// no secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// `[ops] certificate_renewal`: whether kubeadm may renew certificates here.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub certificate_renewal: bool,
    /// Whether the API server steps aside now, and whether it can; `None` if the agent does not report it, because it is too old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_aside: Option<StepAside>,
    /// Ops that run now.
    pub running: Vec<OpId>,
    /// Free bytes where packages and images go (/var).
    pub free_bytes: u64,
    /// The node's wall clock when it answered a request for its facts. `None` in facts that the agent sends unasked, because it sends those
    /// only when they change. For people: never for order or budgets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Timestamp>,
}

/// A package of the Kubernetes repository as dpkg's database has it, on a node or in an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PackageState {
    /// `None` if the package is not completely installed, or if its version is none of Kubernetes' repository.
    #[serde(default)]
    pub version: Option<PackageVersion>,
    pub held: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestFacts {
    pub component: Component,
    pub sha256: Digest,
    pub image: String,
    pub version: Option<KubeVersion>,
    pub flags: FlagSet,
    /// Why the file could not be read. If it is set, the other fields are empty.
    pub unreadable: Option<String>,
    /// Why its flags can't be known (`opaque: sh -c`). If it is set, `flags` is empty, and that means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<String>,
}

/// The node's table of refused connections to its API server (`HostOp::StepAside`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepAside {
    /// The rule that stands now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Aside>,
    /// Why the node can't step aside: no `nft`, a kernel without nftables, no control plane, switched off in agent.toml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impossible: Option<String>,
}

impl StepAside {
    /// The same at this time of the node's clock: a rule whose deadline is over refuses nothing.
    pub fn now(self, now: Timestamp) -> Self {
        Self { active: self.active.filter(|aside| aside.until > now), ..self }
    }
}

/// New connections of other hosts to the API server are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Aside {
    /// When connections are let in again at the latest, by the node's clock at the time of the op. For people; the kernel counts for itself.
    pub until: Timestamp,
    pub reason: String,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "mode")]
pub enum GuardState {
    #[default]
    Steady,
    Armed {
        run: RunId,
    },
    Off,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectationFacts {
    pub etcd_servers: Vec<String>,
    pub etcd_cluster: Option<String>,
    pub learned_from: Digest,
}

/// A version that a repository offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PackageOffer {
    pub package: Package,
    pub version: PackageVersion,
    pub repository: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EtcdState {
    pub cluster: String,
    pub members: Vec<EtcdMember>,
    /// `member: alarm`.
    pub alarms: Vec<String>,
    /// Stores of single resources (`--etcd-servers-overrides`), by the text of the override (`/events`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<String, Result<EtcdState, String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EtcdMember {
    pub name: String,
    /// In hex, as `etcdctl member remove` takes it; `None` if the agent does not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub endpoint: String,
    pub healthy: bool,
    pub leader: bool,
    /// Whether this member runs on the node that answers.
    pub local: bool,
    pub revision: u64,
    pub version: String,
    pub error: Option<String>,
    /// Size of its database file in bytes; `None` if etcd did not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub db_size_bytes: Option<u64>,
    /// Duration of its health check in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u32>,
}

/// This node's own API server, requested from the node itself and never through a proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiServerState {
    pub endpoint: String,
    pub ready: bool,
    /// Body or error of /readyz.
    pub readyz: String,
    /// Version of the running container's image; `None` if no container runs.
    pub running: Option<KubeVersion>,
    /// It answered 401 or 403 with the right certificate: it is alive, and requires credentials that the agent does not have. `ready` does
    /// not follow from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wants_credentials: bool,
    /// Whether the API server answered an authorised read of an object (the node's own Node object) at this endpoint, with the node's own
    /// credentials. Its port is open before authorisation is ready, and /readyz does not show that. `None` if it was not asked: another
    /// component, no credentials on the node, or an agent that is too old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_read: Option<bool>,
    /// Flags of the running container equal those of the manifest on disk.
    pub flags_match: bool,
    /// Whether the config hash shows that the running pod was made from exactly the manifest on disk; `None` if the runtime does not report
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_matches: Option<bool>,
    pub restarts: u32,
    /// Exit code of the last container that ended.
    pub last_exit: Option<i32>,
    /// Last lines of that container's own log.
    pub log_tail: String,
    /// Whether a kubeadm unit runs on this node now.
    pub kubeadm_running: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupState {
    pub run: RunId,
    /// File name within the run's folder to the hash of its content.
    pub files: BTreeMap<String, Digest>,
    pub snapshot: Option<SnapshotState>,
    /// Snapshots of the stores of single resources, by the text of the override.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<String, SnapshotState>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotState {
    pub sha256: Digest,
    pub bytes: u64,
    pub revision: u64,
    /// True if the size mod 512 is 32 and the trailer is the SHA-256 of the rest.
    pub verified: bool,
}

impl ApiServerState {
    /// Whether it serves, as far as a client without more credentials can know: it is ready, and an authorised read succeeds.
    pub fn serves(&self) -> bool {
        (self.ready && self.object_read != Some(false)) || self.wants_credentials
    }
}
