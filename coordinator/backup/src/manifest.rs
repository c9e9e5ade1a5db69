//! `manifest.json` of a set: `podlift.backup/v1`.

use crate::kind::{Kind, Wanted};
use jiff::Timestamp;
use podlift_model::{ClusterName, Digest, KubeVersion, NodeName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const SCHEMA: &str = "podlift.backup/v1";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub schema: String,
    /// The run that it was made for, or a name of its own; also the directory's name.
    pub id: String,
    pub cluster: ClusterName,
    pub made_at: Timestamp,
    /// Who asked for it.
    pub by: String,
    /// What the cluster ran.
    pub version: KubeVersion,
    /// Revision of the etcd snapshot, as etcd's own tool read it.
    pub revision: u64,
    /// What had to be in it.
    pub wanted: Vec<Wanted>,
    pub members: Vec<Member>,
    pub left_out: Vec<LeftOut>,
}

/// One file of the set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Below the set's directory.
    pub path: String,
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub node: Option<NodeName>,
    pub stored: Stored,
    /// Of the file as it is stored.
    pub bytes: u64,
    pub sha256: Digest,
    /// Of what was backed up, before it was encrypted; the same as `sha256` where it was not, and where an agent encrypted it and did not
    /// tell.
    pub content_sha256: Digest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stored {
    Plain,
    /// age (age-encryption.org/v1): what the API told to the recipients of the coordinator's configuration, what an agent brought to
    /// those of the node's own.
    Age,
}

/// What is not in the set, and why that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    pub what: Wanted,
    pub why: String,
}
