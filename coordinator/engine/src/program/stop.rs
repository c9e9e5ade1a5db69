//! Why a step or a run stopped, for people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a step or a run stopped, for people: what happened, what was undone, and the one next command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StopReason {
    /// Stable, kebab-case.
    pub code: String,
    pub message: String,
    /// Tail of a tool's own output.
    #[serde(default)]
    pub detail: String,
    /// What podlift has already put back, in a sentence; empty if there was nothing to put back.
    #[serde(default)]
    pub undone: String,
    pub next: String,
}
