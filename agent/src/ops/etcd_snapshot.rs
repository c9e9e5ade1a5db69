//! One verified etcd snapshot for a run. Made once: a file that is there is never made anew under the same name.

use super::etcd_access;
use super::look::backup;
use super::shared::{control_plane, file_failure};
use super::{Applied, Cx, Op, old_backups};
use crate::paths;
use crate::tools::snapshot::{self, Status};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_model::facts::SnapshotState;
use podlift_model::{Failure, OpOutput, RunId};
use std::path::{Path, PathBuf};

pub struct EtcdSnapshot {
    pub run: RunId,
}

pub const FILE: &str = "etcd.db";
/// What was found when the snapshot was verified.
pub const NOTES: &str = "etcd.json";
/// Where it is restored to once, dot-prefixed: it is none of the backup.
const SCRATCH: &str = ".restored";
/// Left free beside what etcd needs.
const SPARE: u64 = 64 << 20;
/// Made first, because etcdctl does not make folders; says how many members there were.
const FOLDER_MARK: &str = ".podlift";

impl EtcdSnapshot {
    fn path(&self) -> PathBuf {
        paths::backup(&self.run).join(FILE)
    }

    fn mark(&self) -> PathBuf {
        paths::backup(&self.run).join(FOLDER_MARK)
    }

    /// Verifies the file and writes down what it holds. Done once: what was verified is known by its hash.
    async fn verify(&self, cx: &Cx<'_>) -> Result<OpOutput, Failure> {
        let (host, path) = (&cx.node.host, self.path());
        let native =
            snapshot::check(host.files.as_ref(), &path).await.map_err(|e| file_failure(&path, &e))?;
        if !native.verified {
            let message = format!(
                "{} is no whole etcd snapshot ({} bytes, size or SHA-256 trailer wrong); move it away and start a new run",
                path.display(),
                native.bytes
            );
            return Err(Failure::operator("snapshot-damaged", message));
        }
        let notes = paths::backup(&self.run).join(NOTES);
        let known =
            host.files.read(&notes).ok().and_then(|b| serde_json::from_slice::<SnapshotState>(&b).ok());
        if known.is_none_or(|k| k.sha256 != native.sha256) {
            let status = snapshot::status(host, &path).await?;
            self.try_restore(cx, &status).await?;
            let state = native.with_revision(status.revision);
            let bytes = serde_json::to_vec(&state).unwrap_or_default();
            host.files.write(&notes, &bytes, 0o600).map_err(|e| file_failure(&notes, &e))?;
        }
        Ok(OpOutput::Backup(backup::state(cx.node, &self.run).await?))
    }

    /// A backup that was never restored is a hope. Into a scratch folder, which is removed again; the database that comes out must hold
    /// what the snapshot holds. (Its hash differs: a restore takes the membership out.)
    async fn try_restore(&self, cx: &Cx<'_>, status: &Status) -> Result<(), Failure> {
        let host = &cx.node.host;
        let scratch = paths::backup(&self.run).join(SCRATCH);
        let clear = || host.files.remove_tree(&scratch).map_err(|e| file_failure(&scratch, &e));
        clear()?;
        let restored = self.restored(cx, &scratch).await;
        clear()?;
        let restored = restored?;
        if restored == *status {
            return Ok(());
        }
        let message = format!(
            "{} restores to revision {} with {} keys, and says of itself revision {} with {}; move it away and start a new run",
            self.path().display(),
            restored.revision,
            restored.keys,
            status.revision,
            status.keys
        );
        Err(Failure::operator("snapshot-damaged", message))
    }

    async fn restored(&self, cx: &Cx<'_>, scratch: &Path) -> Result<Status, Failure> {
        let limit = cx.node.config.ops.snapshot_timeout;
        let members = cx.node.host.files.read(&self.mark()).ok();
        let members = members.and_then(|m| String::from_utf8(m).ok()?.trim().parse().ok()).unwrap_or(1);
        snapshot::restore(&cx.node.host, &self.path(), scratch, members, limit).await?;
        snapshot::status(&cx.node.host, &scratch.join("member/snap/db")).await
    }
}

/// Room for the snapshot and for the database that it is restored to.
fn room(cx: &Cx<'_>, database: u64) -> Result<(), Failure> {
    let dir = Path::new(paths::STATE);
    let free = cx.node.host.files.free_bytes(dir).map_err(|e| file_failure(dir, &e))?;
    let wanted = database.saturating_mul(2) + SPARE;
    if free >= wanted {
        return Ok(());
    }
    let message = format!(
        "{} has {} MiB free; a snapshot of etcd ({} MiB) and a trial restore of it need {} MiB: free space there",
        dir.display(),
        free >> 20,
        database >> 20,
        wanted >> 20
    );
    Err(Failure::operator("disk-full", message))
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
        let access = etcd_access::checked(cx.node).await?;
        let health = access.health(&cx.node.host).await?;
        let healthy = health.iter().find(|h| h.health).map(|h| h.endpoint.clone());
        let endpoint = healthy.ok_or_else(|| {
            Failure::operator("etcd-unhealthy", "no etcd member is healthy; a snapshot needs one")
        })?;
        old_backups::prune(cx.node.host.files.as_ref(), &self.run, FOLDER_MARK)?;
        let sizes = access.status(&cx.node.host).await?;
        room(cx, sizes.iter().map(|s| s.status.db_size).max().unwrap_or(0))?;
        let members = access.members(&cx.node.host).await?.members.len().to_string();
        let mark = self.mark();
        cx.node.host.files.write(&mark, members.as_bytes(), 0o600).map_err(|e| file_failure(&mark, &e))?;
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
