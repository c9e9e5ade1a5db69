//! `podlift backup`: the sealed sets on the head node, and what a look at every byte of one found.

use jiff::Timestamp;
use podlift_model::{ClusterName, Digest, KubeVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const SCHEMA: &str = "podlift.backups/v1";
pub const CHECK_SCHEMA: &str = "podlift.backup-check/v1";

/// Newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Backups {
    pub schema: String,
    pub cluster: ClusterName,
    pub at: Timestamp,
    /// Of the head node.
    pub directory: String,
    pub backups: Vec<BackupRow>,
}

/// What its manifest says; the members were not read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackupRow {
    /// The run that it was made for, or the name that it was given.
    pub name: String,
    /// `sealed`, `damaged` (only where every byte was read), `unfinished` or `unreadable`.
    pub state: String,
    pub made_at: Option<Timestamp>,
    pub by: String,
    /// What the cluster ran.
    pub version: Option<KubeVersion>,
    /// Of the etcd snapshot; None: there is none in it.
    pub revision: Option<u64>,
    pub members: u32,
    pub bytes: u64,
    /// Its secrets are encrypted with age; false: they were left out.
    pub encrypted: bool,
    /// Of its manifest of hashes.
    pub sha256: Option<Digest>,
    pub left_out: Vec<String>,
    /// Where it is not sealed.
    pub why: Option<String>,
}

/// Every byte of a set was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackupCheck {
    pub schema: String,
    pub cluster: ClusterName,
    pub at: Timestamp,
    pub directory: String,
    pub backup: BackupRow,
    /// Nothing is missing, added, changed or open to others.
    pub whole: bool,
    /// The journal knows the hash that it must have; false: only its own seal says so.
    pub journaled: bool,
    pub problems: Vec<String>,
}
