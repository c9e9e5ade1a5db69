//! What an agent observed of its node. Facts are data for the planner and for people; nothing here commands.

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
    /// Of this machine now; None: an agent that does not say.
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
    /// Whether heal knows what this node's manifests must contain.
    pub expectations: Option<ExpectationFacts>,
    /// What the heal does and keeps; None: an agent that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heal: Option<Box<HealFacts>>,
    /// Files of the node's `kubeadm --patches` directory, which every kubeadm run of the agent is given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub patches: BTreeMap<PatchName, Digest>,
    /// age recipients of the node's own configuration, to whom it encrypts the secrets of a backup. Empty: it serves none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// `[ops] certificate_renewal`: whether kubeadm may renew certificates here.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub certificate_renewal: bool,
    /// Ops that run now.
    pub running: Vec<OpId>,
    /// Free bytes where packages and images go (/var).
    pub free_bytes: u64,
    /// The node's wall clock when it answered a question for its facts; None in what it tells unasked, which is sent only when it
    /// changes. For people: never for order or budgets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PackageState {
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
    /// Why the file could not be read, if so: then the other fields are empty.
    pub unreadable: Option<String>,
    /// Why its flags can't be known (`opaque: sh -c`), if so: then `flags` is empty and says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<String>,
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
    /// Stores of single resources (`--etcd-servers-overrides`), by the override's own words (`/events`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<String, Result<EtcdState, String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EtcdMember {
    pub name: String,
    pub endpoint: String,
    pub healthy: bool,
    pub leader: bool,
    /// Whether this member is on the node that answers.
    pub local: bool,
    pub revision: u64,
    pub version: String,
    pub error: Option<String>,
    /// Of its database file; None: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub db_size_bytes: Option<u64>,
    /// What its health check took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u32>,
}

/// This node's own API server, seen from the node: never through a proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiServerState {
    pub endpoint: String,
    pub ready: bool,
    /// Body or error of /readyz.
    pub readyz: String,
    /// Version of the running container's image, None where no container runs.
    pub running: Option<KubeVersion>,
    /// It answered 401 or 403 under the right certificate: alive, and it wants credentials that the agent has not. Says nothing of `ready`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wants_credentials: bool,
    /// Flags of the running container equal those of the manifest on disk.
    pub flags_match: bool,
    /// The running pod was made from exactly the manifest on disk, by its config hash; None: the runtime can't tell.
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
    /// Name within the run's folder to hash of the content.
    pub files: BTreeMap<String, Digest>,
    pub snapshot: Option<SnapshotState>,
    /// Snapshots of the stores of single resources, by the override's own words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<String, SnapshotState>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotState {
    pub sha256: Digest,
    pub bytes: u64,
    pub revision: u64,
    /// size mod 512 is 32 and the trailer is the SHA-256 of the rest.
    pub verified: bool,
}

impl ApiServerState {
    /// It serves, as far as anybody without more credentials can know.
    pub fn serves(&self) -> bool {
        self.ready || self.wants_credentials
    }
}
