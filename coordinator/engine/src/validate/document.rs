//! The document `podlift.validation/v1`.

use crate::program::Severity;
use jiff::Timestamp;
use podlift_model::RunId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const SCHEMA: &str = "podlift.validation/v1";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Validation {
    pub schema: String,
    pub at: Timestamp,
    /// The run that it follows; absent if it was made outside of any run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    pub checks: Vec<Checked>,
    pub counts: Counts,
}

impl Validation {
    /// The counts in a sentence: `15 checks passed, 1 failed (dns), 2 open`.
    pub fn summary(&self) -> String {
        let named = |result: Outcome| {
            let ids: Vec<&str> =
                self.checks.iter().filter(|c| c.result == result).map(|c| c.id.as_str()).collect();
            if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) }
        };
        let Counts { passed, failed, open } = self.counts;
        let passed = podlift_model::count(passed, "check");
        format!(
            "{passed} passed, {failed} failed{}, {open} open{}",
            named(Outcome::Failed),
            named(Outcome::Open)
        )
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    pub passed: u32,
    pub failed: u32,
    pub open: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checked {
    /// `node-versions`, `dns`, `site:healthcheck_storage.py`.
    pub id: String,
    pub title: String,
    pub group: Group,
    /// What a failure means.
    pub severity: Severity,
    pub result: Outcome,
    /// What was seen, at most twenty lines. For an open check: why nothing was seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// The next command; empty if the check passed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Passed,
    Failed,
    /// The check could not be made, or only in part.
    Open,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Open => "open",
        }
    }
}

/// The part of the cluster that a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    Versions,
    ControlPlane,
    Network,
    Workloads,
    Hardware,
    Storage,
    Bcm,
    Certificates,
    Site,
}

impl Group {
    pub fn name(self) -> &'static str {
        match self {
            Self::Versions => "versions",
            Self::ControlPlane => "control-plane",
            Self::Network => "network",
            Self::Workloads => "workloads",
            Self::Hardware => "hardware",
            Self::Storage => "storage",
            Self::Bcm => "bcm",
            Self::Certificates => "certificates",
            Self::Site => "site",
        }
    }
}
