//! What a heal is, for the agent that does it and for the coordinator that shows it.

use crate::digest::Digest;
use crate::ids::{NodeName, RunId};
use crate::op::{Component, FlagLoss};
use crate::version::KubeVersion;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rescue rules repair at once and without a guard. Hygiene rules repair only while a guard is armed, and otherwise report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HealKind {
    Rescue,
    Hygiene,
}

/// What a rule found in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealFinding {
    pub file: String,
    /// Stable id: `etcd-servers-empty`, `gate-fatal`, `site-gate`, …
    pub rule: String,
    pub kind: HealKind,
    pub what: String,
    /// Why the finding is only reported; `None` if it is repaired.
    pub report_only: Option<String>,
}

/// A heal that happened, with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HealEvent {
    pub id: String,
    pub node: NodeName,
    pub file: String,
    pub rules: Vec<String>,
    pub at: Timestamp,
    /// Microseconds from the notice of the change to the fsync of the repaired file's directory.
    pub latency_us: u64,
    pub before: Digest,
    pub after: Digest,
    /// Unified diff of the changed lines.
    pub diff: String,
}

/// State of an agent's heal, for `podlift heal status`. It stays equal while nothing happens, so that a heartbeat can omit it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealFacts {
    pub mode: HealMode,
    /// The run whose guard is armed; `None` if heal is in its steady watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<HealGuard>,
    /// Whether the agent notices changes of the manifest folder at once. If false, it finds them only at its next tick.
    pub watching: bool,
    /// What the API server's manifest must contain; `None` if nothing has been learned yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expectations: Option<HealExpectations>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<HealFinding>,
    /// One entry for each manifest that exists or was learned; empty on a worker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<HealFile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HealMode {
    Enforce,
    Observe,
    Off,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealGuard {
    pub run: RunId,
    /// End of the guard by the wall clock at the time of arming. The boot clock decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Losses that are intended and are not healed while the guard is armed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<FlagLoss>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealExpectations {
    pub etcd_servers: Vec<String>,
    /// Id of the etcd cluster that answered there; `None` if no tool could ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_cluster: Option<String>,
    /// The cluster id under which the same endpoints answer now, if it has changed. While it is set, heal repairs nothing from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_etcd: Option<String>,
    /// Values of `--etcd-servers-overrides` and `--etcd-prefix`; `None` if the manifest does not set the flag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_overrides: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_prefix: Option<String>,
    /// Why heal repairs nothing from these endpoints, and what lifts that; `None` if it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbidden: Option<String>,
    /// Hash of the API server's manifest that was Ready with these values.
    pub learned_from: Digest,
    pub at: Timestamp,
}

/// What the heal records of one manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealFile {
    pub component: Component,
    pub file: String,
    /// Hash of the file when it was last read; `None` if it is missing or was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// Repairs allowed within an hour; `budget_left` has those that remain now.
    pub budget: u32,
    pub budget_left: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fight: Option<HealFight>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastHeal>,
    /// Why its flags can't be known (`opaque: sh -c`). While it is set, heal learns nothing from the file, changes nothing in it and does
    /// not restore over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<String>,
    /// Since when, and why, heal could learn nothing from the file on disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlearned: Option<HealUnlearned>,
    /// The last good manifests, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub good: Vec<GoodManifest>,
}

/// The heal does not know what this manifest must contain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealUnlearned {
    pub since: Timestamp,
    /// For example `crictl can't be run`, `/readyz answers 401`, `opaque: sh -c`.
    pub why: String,
}

/// Another process undoes the repairs. Heal leaves the file alone until a person or a run takes over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealFight {
    pub since: Timestamp,
    /// Process, unit and parent of that process, in words; or why they are not known.
    pub by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastHeal {
    pub id: String,
    pub at: Timestamp,
    pub rules: Vec<String>,
}

/// A manifest with which its component was Ready, or which a person accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoodManifest {
    pub sha256: Digest,
    pub at: Timestamp,
    /// Version of its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<KubeVersion>,
}
