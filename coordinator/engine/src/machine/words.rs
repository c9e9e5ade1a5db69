//! What persons say about a run besides its approvals: decisions about items by name, and the findings of the report.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A person's word about an item of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    pub approved: bool,
    pub by: String,
    /// Why it was refused; empty for an approval.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    pub at: Timestamp,
}

/// The findings that a person has written into the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    pub text: String,
    pub by: String,
    pub at: Timestamp,
}
