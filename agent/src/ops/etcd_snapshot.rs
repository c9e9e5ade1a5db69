//! One verified etcd snapshot for a run, and one of each store of single resources. A snapshot is made once: an existing file is never made
//! again under the same name.
//!
//! A restored snapshot is compared by revision and number of keys. Its hash differs by construction, because member data are part of it.

use super::etcd_access;
use super::shared::{control_plane, file_failure};
use super::{Applied, Cx, Op, old_backups};
use crate::look::backup;
use crate::snapshots::{FILE, FOLDER_MARK, Notes, file_of, notes_of};
use crate::units::Exit;
use async_trait::async_trait;
use podlift_host::Invocation;
use podlift_host::paths;
use podlift_model::{Failure, OpOutput, RunId, codes, count};
use podlift_tools::etcdctl::Access;
use podlift_tools::must;
use podlift_tools::snapshot::{self, Status};
use std::path::{Path, PathBuf};

pub struct EtcdSnapshot {
    pub run: RunId,
}

/// Folder for the trial restore. It begins with a dot and so is not part of the backup.
const SCRATCH: &str = ".restored";
/// Bytes that must remain free beside what etcd needs.
const SPARE: u64 = 64 << 20;
impl EtcdSnapshot {
    fn path(&self) -> PathBuf {
        paths::backup(&self.run).join(FILE)
    }

    fn mark(&self) -> PathBuf {
        paths::backup(&self.run).join(FOLDER_MARK)
    }

    /// Verifies the snapshot, and adds those of the stores of single resources.
    async fn complete(&self, cx: &Cx<'_>) -> Result<OpOutput, Failure> {
        let members = cx.node.host.files.read(&self.mark()).ok();
        let members = members.and_then(|m| String::from_utf8(m).ok()?.trim().parse().ok()).unwrap_or(1);
        self.verify(cx, &self.path(), None, members).await?;
        for (store, access) in etcd_access::overrides(cx.node) {
            let to = paths::backup(&self.run).join(file_of(&store));
            let of = |failure: Failure| Failure {
                message: format!("store of {store}: {}", failure.message),
                ..failure
            };
            self.store(cx, &store, &access, &to).await.map_err(of)?;
        }
        Ok(OpOutput::Backup(backup::state(cx.node, &self.run).await?))
    }

    /// Snapshots one store of single resources, without a unit: etcdctl renames the file when it is complete, so an interrupted snapshot is
    /// made again.
    async fn store(&self, cx: &Cx<'_>, store: &str, access: &Access, to: &Path) -> Result<(), Failure> {
        let host = &cx.node.host;
        let members = access.members(host).await?.members.len();
        if host.files.stat(to).is_err() {
            let sizes = access.status(host).await?;
            room(cx, sizes.iter().map(|s| s.status.db_size).max().unwrap_or(0))?;
            let spec = access.snapshot(&healthy(cx, access).await?, to, cx.node.config.ops.snapshot_timeout);
            let call = spec
                .env
                .iter()
                .fold(Invocation::new(spec.program, spec.args.clone()), |call, (name, value)| {
                    call.env(name, value)
                });
            must(host, &call.timeout(cx.node.config.ops.snapshot_timeout)).await?;
        }
        self.verify(cx, to, Some(store), members).await
    }

    /// Verifies the file and records what it holds, once: a verified file is recognised by its hash.
    async fn verify(
        &self,
        cx: &Cx<'_>,
        path: &Path,
        store: Option<&str>,
        members: usize,
    ) -> Result<(), Failure> {
        let host = &cx.node.host;
        let native = snapshot::check(host.files.as_ref(), path).await.map_err(|e| file_failure(path, &e))?;
        if !native.verified {
            let message = format!(
                "{} is no whole etcd snapshot ({}, size or SHA-256 trailer wrong); move it away and start a new run",
                path.display(),
                count(native.bytes, "byte")
            );
            return Err(Failure::operator("snapshot-damaged", message));
        }
        let notes = notes_of(path);
        let known = host.files.read(&notes).ok().and_then(|b| serde_json::from_slice::<Notes>(&b).ok());
        if known.is_none_or(|k| k.state.sha256 != native.sha256) {
            let status = snapshot::status(host, path).await?;
            self.try_restore(cx, path, &status, members).await?;
            let found =
                Notes { state: native.with_revision(status.revision), store: store.map(String::from) };
            let bytes = serde_json::to_vec(&found).unwrap_or_default();
            host.files.write(&notes, &bytes, 0o600).map_err(|e| file_failure(&notes, &e))?;
        }
        Ok(())
    }

    /// Restores the snapshot once as a test, into a scratch folder that is removed again. The resulting database must hold the same as the
    /// snapshot. (Its hash differs: a restore takes the membership out.)
    async fn try_restore(
        &self,
        cx: &Cx<'_>,
        path: &Path,
        status: &Status,
        members: usize,
    ) -> Result<(), Failure> {
        let host = &cx.node.host;
        let scratch = paths::backup(&self.run).join(SCRATCH);
        let clear = || host.files.remove_tree(&scratch).map_err(|e| file_failure(&scratch, &e));
        clear()?;
        let limit = cx.node.config.ops.snapshot_timeout;
        let restored = match snapshot::restore(host, path, &scratch, members, limit).await {
            Ok(()) => snapshot::status(host, &scratch.join("member/snap/db")).await,
            Err(failure) => Err(failure),
        };
        clear()?;
        let restored = restored?;
        if restored == *status {
            return Ok(());
        }
        let message = format!(
            "{} restores to revision {} with {}, and says of itself revision {} with {}; move it away and start a new run",
            path.display(),
            restored.revision,
            count(restored.keys, "key"),
            status.revision,
            status.keys
        );
        Err(Failure::operator("snapshot-damaged", message))
    }
}

/// A healthy endpoint from which to take the snapshot.
async fn healthy(cx: &Cx<'_>, access: &Access) -> Result<String, Failure> {
    let health = access.health(&cx.node.host).await?;
    health
        .iter()
        .find(|h| h.health)
        .map(|h| h.endpoint.clone())
        .ok_or_else(|| Failure::operator("etcd-unhealthy", "no etcd member is healthy; a snapshot needs one"))
}

/// Checks that there is room for the snapshot and for the database of the trial restore.
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
    Err(Failure::operator(codes::DISK_FULL, message))
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
            Ok(_) => self.complete(cx).await.map(Some),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(file_failure(&self.path(), &e)),
        }
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        control_plane(cx.node)?;
        let access = etcd_access::checked(cx.node).await?;
        let endpoint = healthy(cx, &access).await?;
        old_backups::prune(cx.node.host.files.as_ref(), Some(&self.run))?;
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
        self.complete(cx).await
    }
}
