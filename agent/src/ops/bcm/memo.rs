//! What an op of a head node remembers from right before its first change until it ends.

use super::super::shared::file_failure;
use super::Cx;
use podlift_host::paths;
use podlift_model::Failure;
use podlift_model::bcm::{BcmTaskId, TaskState};
use podlift_tools::bcm::tasks;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memo {
    /// Tasks of CMDaemon that had failed before: they say nothing about this op.
    pub failed: BTreeSet<BcmTaskId>,
    /// Packages that were held.
    pub held: BTreeSet<String>,
    /// The first line of the node's log.
    pub header: String,
    /// Bytes of the image that is copied.
    pub size: u64,
    /// UUIDs of CMDaemon's requests.
    pub requests: Vec<String>,
}

impl Memo {
    /// With the tasks that have failed until now.
    pub async fn now(cx: &Cx<'_>) -> Result<Self, Failure> {
        let tasks = tasks::look(&cx.node.host).await?;
        let failed = tasks.into_iter().filter(|t| t.state == TaskState::Failed).map(|t| t.id);
        Ok(Self { failed: failed.collect(), ..Self::default() })
    }

    pub fn write(&self, cx: &Cx<'_>) -> Result<(), Failure> {
        let path = paths::op_memo(cx.op_id);
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        cx.node.host.files.write(&path, &bytes, 0o600).map_err(|e| file_failure(&path, &e))
    }

    /// `None` if the op has not changed anything.
    pub fn read(cx: &Cx<'_>) -> Option<Self> {
        let bytes = cx.node.host.files.read(&paths::op_memo(cx.op_id)).ok()?;
        Some(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    pub fn remove(cx: &Cx<'_>) {
        drop(cx.node.host.files.remove(&paths::op_memo(cx.op_id)));
    }
}
