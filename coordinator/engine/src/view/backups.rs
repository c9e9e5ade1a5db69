//! `podlift backup`: the sealed sets on the head node, and the result of a verification that reads every byte of one.

use jiff::Timestamp;
use podlift_model::{ClusterName, Digest, KubeVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const SCHEMA: &str = "podlift.backups/v1";
pub const CHECK_SCHEMA: &str = "podlift.backup-check/v1";

/// The backup sets, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Backups {
    pub schema: String,
    pub cluster: ClusterName,
    pub at: Timestamp,
    /// Directory on the head node.
    pub directory: String,
    pub backups: Vec<BackupRow>,
}

/// One set by its manifest; its members were not read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackupRow {
    /// The run that it was made for, or the name given by the operator.
    pub name: String,
    /// `sealed`, `damaged` (only after every byte was read), `unfinished` or `unreadable`.
    pub state: String,
    pub made_at: Option<Timestamp>,
    pub by: String,
    /// Version of the cluster at that time.
    pub version: Option<KubeVersion>,
    /// Revision of the etcd snapshot; `None` if the set has no snapshot.
    pub revision: Option<u64>,
    pub members: u32,
    pub bytes: u64,
    /// True if its secrets are encrypted with age; false if they were omitted.
    pub encrypted: bool,
    /// Hash of its manifest of hashes.
    pub sha256: Option<Digest>,
    pub left_out: Vec<String>,
    /// Why the set is not sealed.
    pub why: Option<String>,
}

/// Result of a verification that read every byte of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackupCheck {
    pub schema: String,
    pub cluster: ClusterName,
    pub at: Timestamp,
    pub directory: String,
    pub backup: BackupRow,
    /// True if nothing is missing, added, changed or readable by other users.
    pub whole: bool,
    /// True if the journal has the expected hash; false if only the set's own seal confirms it.
    pub journaled: bool,
    pub problems: Vec<String>,
}
