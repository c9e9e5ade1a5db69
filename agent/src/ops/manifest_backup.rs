//! Copies of the manifests and of the kubelet's configuration for a run, in the agent's own store. The copies are write-once, and the list
//! of hashes, written last, shows that the backup is complete.

use super::shared::file_failure;
use super::{Applied, Cx, Op, old_backups};
use crate::look::backup;
use async_trait::async_trait;
use podlift_host::paths;
use podlift_model::op::Component;
use podlift_model::{Digest, Failure, OpOutput, RunId};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

pub struct ManifestBackup {
    pub run: RunId,
}

/// Names and hashes of the copies.
pub const LIST: &str = "manifests.json";

/// The files: (name in the backup, path on the node).
fn sources() -> Vec<(String, PathBuf)> {
    let manifests = Component::ALL.iter().map(|c| (c.file(), paths::manifest(*c)));
    manifests.chain([("kubelet-config.yaml".to_string(), PathBuf::from(paths::KUBELET_CONFIG))]).collect()
}

#[async_trait]
impl Op for ManifestBackup {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let list = paths::backup(&self.run).join(LIST);
        match cx.node.host.files.stat(&list) {
            Ok(_) => Ok(Some(OpOutput::Backup(backup::state(cx.node, &self.run).await?))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(file_failure(&list, &e)),
        }
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        old_backups::prune(cx.node.host.files.as_ref(), Some(&self.run))?;
        let dir = paths::backup(&self.run);
        let mut list: BTreeMap<String, Digest> = BTreeMap::new();
        for (name, from) in sources() {
            if let Some(hash) = keep(cx, &dir.join(&name), &from)? {
                list.insert(name, hash);
            }
        }
        let path = dir.join(LIST);
        let bytes = serde_json::to_vec(&list).unwrap_or_default();
        cx.node.host.files.write(&path, &bytes, 0o600).map_err(|e| file_failure(&path, &e))?;
        Ok(Applied::Done(OpOutput::Backup(backup::state(cx.node, &self.run).await?)))
    }
}

/// Hash of the copy; `None` if there is nothing to copy.
fn keep(cx: &Cx<'_>, copy: &Path, from: &Path) -> Result<Option<Digest>, Failure> {
    let files = cx.node.host.files.as_ref();
    if let Ok(there) = files.read(copy) {
        return Ok(Some(Digest::of(there)));
    }
    let bytes = match files.read(from) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|e| file_failure(from, &e))?,
    };
    files.write(copy, &bytes, 0o600).map_err(|e| file_failure(copy, &e))?;
    Ok(Some(Digest::of(bytes)))
}
