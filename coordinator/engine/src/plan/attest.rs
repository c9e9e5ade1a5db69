//! What no machine can know and a person has to say: asked for once, recorded with who and when, shown in plan and report.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What has to be said before a run, and what it means.
pub const ATTESTATIONS: &[(&str, &str)] = &[
    ("application-backups", "the owners of the applications have backups of their own"),
    ("maintenance-window", "the maintenance window is agreed with the users"),
    ("rollback-reviewed", "the way back has been read and understood"),
];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attestation {
    /// One of `ATTESTATIONS`.
    pub id: String,
    /// Identity of who said it.
    pub by: String,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}
