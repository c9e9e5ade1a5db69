//! What the journal keeps of a run whose records are in a file.

use jiff::Timestamp;
use podlift_model::{Digest, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the journal keeps of a run whose records are in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArchivedRun {
    pub run: RunId,
    /// `aborted` or `succeeded`.
    pub status: String,
    pub by: String,
    pub started: Timestamp,
    pub ended: Timestamp,
    /// Number of the record that ended the run.
    pub ended_seq: u64,
    /// Number of the run's records.
    pub records: u64,
    /// Digest over number and hash of each record (`RunDigest`).
    pub chain: Digest,
    /// Hash of the manifest of its backup, so that the set can still be verified; `None` if the run sealed no backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Digest>,
}
