//! The log of the last imageupdate of one node.

use crate::ids::NodeName;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SyncMode {
    /// An imageupdate of a running node.
    Update,
    /// The sync at a reboot.
    Sync,
    /// The whole disk was written anew.
    Full,
    Other,
}

/// What BCM's log says about the last update of a node from its image. `completed` and `began` together prove an update, and no exit code does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BcmSync {
    pub node: NodeName,
    /// When it began; `None` if the log has no readable time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<SyncMode>,
    /// The folder that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// The log ends with `Rsync completed.`
    pub completed: bool,
    /// rsync's exit code, if the log names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsync_code: Option<i32>,
    /// Lines that delete or change something below `PROTECTED`, at most 50. A change of `OF_IMAGE` does not count, its deletion does.
    #[serde(default)]
    pub touches: Vec<String>,
    /// Number of files that it deletes.
    #[serde(default)]
    pub deletes: u32,
    /// Number of files that it writes.
    #[serde(default)]
    pub changes: u32,
    /// A request of this node that failed, or that still waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}
