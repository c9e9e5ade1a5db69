//! Why a step or a run stopped, for people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Code of a stop because somebody else has taken over or removed the cordon of a node that is worked on.
pub const CORDON_TAKEN: &str = "cordon-taken";

/// Code of a stop that waits for the approval of a person.
pub const APPROVAL: &str = "approval";

/// Why a step or a run stopped, for people: what happened, and the one next command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StopReason {
    /// Stable, kebab-case.
    pub code: String,
    pub message: String,
    /// Tail of a tool's own output.
    #[serde(default)]
    pub detail: String,
    /// Always empty: a stop puts nothing back, and what an abort puts back is in its event and in the report. The field is kept for readers
    /// of older documents.
    #[serde(default)]
    pub undone: String,
    pub next: String,
}
