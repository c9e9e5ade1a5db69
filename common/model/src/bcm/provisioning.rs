//! BCM's provisioning: who serves images, what waits, and CMDaemon's background tasks.

use super::ids::{BcmTaskId, ImageName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A node that sends images to other nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provisioner {
    pub node: String,
    /// Most nodes that it serves at once.
    pub slots: u32,
    pub in_use: u32,
    /// It serves no node, or is about to stop.
    pub drained: bool,
    /// Images that CMDaemon counts as up to date on it. `None` if its answer does not say (the first of its two layouts).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_date: Option<Vec<ImageName>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    Open,
    Done,
    Failed,
    Cancelled,
}

/// A background task of CMDaemon, e.g. the creation of an image's ramdisk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BcmTask {
    pub id: BcmTaskId,
    /// The task's row without its id.
    pub what: String,
    pub state: TaskState,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BcmProvisioning {
    /// The subsystem says that it is idle.
    pub idle: bool,
    pub provisioners: Vec<Provisioner>,
    /// Requests that wait, as CMDaemon lists them.
    #[serde(default)]
    pub waiting: Vec<String>,
    #[serde(default)]
    pub tasks: Vec<BcmTask>,
}
