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
    /// The run that it was made for, or a name of its own; also the name of the directory.
    pub id: String,
    pub cluster: ClusterName,
    pub made_at: Timestamp,
    /// The person who requested it.
    pub by: String,
    /// The version that the cluster ran.
    pub version: KubeVersion,
    /// Revision of the etcd snapshot, as etcd's own tool read it.
    pub revision: u64,
    /// The members that the set had to have.
    pub wanted: Vec<Wanted>,
    pub members: Vec<Member>,
    pub left_out: Vec<LeftOut>,
}

/// One file of the set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Path below the set's directory.
    pub path: String,
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub node: Option<NodeName>,
    pub stored: Stored,
    /// Size of the file as it is stored.
    pub bytes: u64,
    pub sha256: Digest,
    /// Hash of the content before encryption. It equals `sha256` if the content was not encrypted, or if an agent encrypted it without
    /// reporting the hash.
    pub content_sha256: Digest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stored {
    Plain,
    /// age (age-encryption.org/v1). The recipients of API objects come from the coordinator's configuration, those of files from an agent
    /// from the node's own configuration.
    Age,
}

/// What is not in the set, and why that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    pub what: Wanted,
    pub why: String,
}
