//! What a heal is, for the agent that does it and for everybody who reads about it.

use crate::digest::Digest;
use crate::ids::NodeName;
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
    pub at: jiff::Timestamp,
    /// From the notice of the change to the repaired file's directory fsync, microseconds.
    pub latency_us: u64,
    pub before: Digest,
    pub after: Digest,
    /// Unified, of the changed lines.
    pub diff: String,
}
