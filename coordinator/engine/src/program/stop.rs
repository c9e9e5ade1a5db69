//! Why a step or a run stands still, for a person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why something stands still, for a person: what happened, what was undone, the one next command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StopReason {
    /// Stable, kebab-case.
    pub code: String,
    pub message: String,
    /// Tail of a tool's own output.
    #[serde(default)]
    pub detail: String,
    /// What podlift has put back already, in a sentence; empty where there was nothing.
    #[serde(default)]
    pub undone: String,
    pub next: String,
}
