//! What a heal is, for the agent that does it and for everybody who reads about it.

use crate::digest::Digest;
use crate::ids::{NodeName, RunId};
use crate::op::{Component, FlagLoss};
use crate::version::KubeVersion;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rescue rules act alone and at once; hygiene rules act only inside an armed guard and otherwise report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HealKind {
    Rescue,
    Hygiene,
}

/// What a rule says of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealFinding {
    pub file: String,
    /// Stable id: `etcd-servers-empty`, `gate-fatal`, `site-gate`, …
    pub rule: String,
    pub kind: HealKind,
    pub what: String,
    /// Why it is only reported, if so.
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
    /// From the notice of the change to the repaired file's directory fsync, microseconds.
    pub latency_us: u64,
    pub before: Digest,
    pub after: Digest,
    /// Unified, of the changed lines.
    pub diff: String,
}

/// What an agent's heal is doing, for `podlift heal status`. Changes only when something did, so that a heartbeat can leave it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealFacts {
    pub mode: HealMode,
    /// The run whose guard is armed; None: steady watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<HealGuard>,
    /// Changes of the manifest folder are noticed at once; otherwise only the tick looks.
    pub watching: bool,
    /// What must be in the API server's manifest; None: nothing learned yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expectations: Option<HealExpectations>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<HealFinding>,
    /// One for each manifest that is there or was learned; empty on a worker.
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
    /// As the wall clock was when it was armed; the boot clock decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Losses that are meant, and are not healed while it is armed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<FlagLoss>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealExpectations {
    pub etcd_servers: Vec<String>,
    /// Id of the cluster that answered there; None: no tool could ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_cluster: Option<String>,
    /// The id under which the same endpoints answer now, if it is another one: then nothing is healed from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_etcd: Option<String>,
    /// `--etcd-servers-overrides` and `--etcd-prefix`, where it has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_overrides: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_prefix: Option<String>,
    /// Why nothing is healed from these endpoints, if so, and what lifts that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbidden: Option<String>,
    /// The API server's manifest that was Ready with this.
    pub learned_from: Digest,
    pub at: Timestamp,
}

/// One manifest as the heal keeps book of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealFile {
    pub component: Component,
    pub file: String,
    /// Of the file as it was seen last; None: it is missing or was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// Repairs within an hour, and how many are left now.
    pub budget: u32,
    pub budget_left: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fight: Option<HealFight>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastHeal>,
    /// Why its flags can't be known (`opaque: sh -c`), if so: nothing is learned from it, put into it or restored over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<String>,
    /// Since when nothing could be learned from what is on the disk, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlearned: Option<HealUnlearned>,
    /// The last manifests that were good, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub good: Vec<GoodManifest>,
}

/// The heal does not know what this manifest must contain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealUnlearned {
    pub since: Timestamp,
    /// `crictl can't be run`, `/readyz answers 401`, `opaque: sh -c`.
    pub why: String,
}

/// Somebody undoes repairs; the file is left to them until a person or a run takes over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealFight {
    pub since: Timestamp,
    /// Who, in words: process, unit, parent; or why that is not known.
    pub by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastHeal {
    pub id: String,
    pub at: Timestamp,
    pub rules: Vec<String>,
}

/// A manifest that its component was Ready with, or that a person accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoodManifest {
    pub sha256: Digest,
    pub at: Timestamp,
    /// Of its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<KubeVersion>,
}
