//! One verified etcd snapshot for a run. Made once: a file that is there is never made anew under the same name.

use super::look::backup;
use super::shared::{control_plane, file_failure};
use super::{Applied, Cx, Op};
use crate::paths;
use crate::tools::etcdctl::Access;
use crate::tools::snapshot;
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput, RunId};
use std::path::PathBuf;

pub struct EtcdSnapshot {
    pub run: RunId,
}

pub const FILE: &str = "etcd.db";
/// What was found when the snapshot was verified.
pub const NOTES: &str = "etcd.json";
/// Made first: etcdctl does not make folders.
const FOLDER_MARK: &str = ".podlift";

impl EtcdSnapshot {
    fn path(&self) -> PathBuf {
        paths::backup(&self.run).join(FILE)
    }

    /// Verifies the file and writes down what it holds.
    async fn verify(&self, cx: &Cx<'_>) -> Result<OpOutput, Failure> {
        let (host, path) = (&cx.node.host, self.path());
        let native = snapshot::check(host.files.as_ref(), &path).map_err(|e| file_failure(&path, &e))?;
        if !native.verified {
            let message = format!(
                "{} is no whole etcd snapshot ({} bytes, size or SHA-256 trailer wrong); move it away and start a new run",
                path.display(),
                native.bytes
            );
            return Err(Failure::operator("snapshot-damaged", message));
        }
        let revision = snapshot::revision(host, &path).await?;
        let notes = paths::backup(&self.run).join(NOTES);
        let state = native.with_revision(revision);
        let bytes = serde_json::to_vec(&state).unwrap_or_default();
        host.files.write(&notes, &bytes, 0o600).map_err(|e| file_failure(&notes, &e))?;
        Ok(OpOutput::Backup(backup::state(cx.node, &self.run)?))
    }
}

#[async_trait]
impl Op for EtcdSnapshot {
    fn repeatable(&self) -> bool {
        true
    }

    fn is_unit(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        match cx.node.host.files.stat(&self.path()) {
            Ok(_) => self.verify(cx).await.map(Some),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(file_failure(&self.path(), &e)),
        }
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        control_plane(cx.node)?;
        let expected = cx.node.heal.expectations().map(|e| e.etcd_servers);
        let access = Access::of_node(&cx.node.host, expected.as_deref()).ok_or_else(no_access)?;
        let health = access.health(&cx.node.host).await?;
        let healthy = health.iter().find(|h| h.health).map(|h| h.endpoint.clone());
        let endpoint = healthy.ok_or_else(|| {
            Failure::operator("etcd-unhealthy", "no etcd member is healthy; a snapshot needs one")
        })?;
        let mark = paths::backup(&self.run).join(FOLDER_MARK);
        cx.node.host.files.write(&mark, b"", 0o600).map_err(|e| file_failure(&mark, &e))?;
        Ok(Applied::Unit(access.snapshot(&endpoint, &self.path(), cx.node.config.ops.snapshot_timeout)))
    }

    async fn conclude(&self, cx: &Cx<'_>, exit: &Exit) -> Result<OpOutput, Failure> {
        if !exit.success() {
            let message = format!("etcdctl snapshot save {}; its own words are below", exit.describe());
            return Err(Failure::transient("snapshot-failed", message).with_detail(&cx.log()));
        }
        self.verify(cx).await
    }
}

pub fn no_access() -> Failure {
    let message = "the API server's manifest names no etcd endpoints and none were learned; repair --etcd-servers first";
    Failure::operator("etcd-unknown", message)
}
