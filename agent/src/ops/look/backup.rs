//! What this agent's own store holds for a run: every file hashed now, the snapshot verified now.

use crate::node::Node;
use crate::ops::shared::file_failure;
use crate::paths;
use crate::tools::snapshot;
use podlift_model::facts::{BackupState, SnapshotState};
use podlift_model::{Digest, Failure, RunId};
use std::collections::BTreeMap;
use std::io;

const SNAPSHOT: &str = "etcd.db";
const NOTES: &str = "etcd.json";

pub async fn state(node: &Node, run: &RunId) -> Result<BackupState, Failure> {
    let (files, dir) = (node.host.files.as_ref(), paths::backup(run));
    let names = match files.list(&dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other.map_err(|e| file_failure(&dir, &e))?,
    };
    let mut state = BackupState {
        overrides: std::collections::BTreeMap::new(),
        run: run.clone(),
        files: BTreeMap::new(),
        snapshot: None,
    };
    // Dot-files are marks, and *.part is what an interrupted etcdctl leaves.
    for name in
        names.into_iter().filter(|n| !n.starts_with('.') && !n.ends_with(".part") && !n.ends_with(".json"))
    {
        let path = dir.join(&name);
        if name != SNAPSHOT {
            let bytes = files.read(&path).map_err(|e| file_failure(&path, &e))?;
            state.files.insert(name, Digest::of(bytes));
            continue;
        }
        let native = snapshot::check(files, &path).await.map_err(|e| file_failure(&path, &e))?;
        state.files.insert(name, native.sha256.clone());
        let notes =
            files.read(&dir.join(NOTES)).ok().and_then(|b| serde_json::from_slice::<SnapshotState>(&b).ok());
        // Without notes of exactly this file the revision is unknown: it was never verified.
        let known = notes.filter(|n| n.sha256 == native.sha256);
        let verified = native.verified && known.is_some();
        state.snapshot =
            Some(SnapshotState { verified, ..native.with_revision(known.map_or(0, |n| n.revision)) });
    }
    Ok(state)
}
