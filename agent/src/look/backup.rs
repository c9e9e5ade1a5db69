//! The contents of this agent's own store for a run. Every file is hashed and the snapshot is verified at each look.

use crate::node::Node;
use crate::snapshots::{FILE, Notes, is_snapshot, notes_of};
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::facts::{BackupState, SnapshotState};
use podlift_model::{Digest, Failure, RunId};
use podlift_tools::files::file_failure;
use podlift_tools::snapshot;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

pub async fn state(node: &Node, run: &RunId) -> Result<BackupState, Failure> {
    let (files, dir) = (node.host.files.as_ref(), paths::backup(run));
    let names = match files.list(&dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other.map_err(|e| file_failure(&dir, &e))?,
    };
    let mut state =
        BackupState { overrides: BTreeMap::new(), run: run.clone(), files: BTreeMap::new(), snapshot: None };
    // Dot-files are marks, and *.part is the rest of an interrupted etcdctl.
    for name in
        names.into_iter().filter(|n| !n.starts_with('.') && !n.ends_with(".part") && !n.ends_with(".json"))
    {
        let path = dir.join(&name);
        if !is_snapshot(&name) {
            let bytes = files.read(&path).map_err(|e| file_failure(&path, &e))?;
            state.files.insert(name, Digest::of(bytes));
            continue;
        }
        let (notes, found) = snapshot_state(files, &path).await?;
        state.files.insert(name.clone(), found.sha256.clone());
        match notes.and_then(|notes| notes.store) {
            _ if name == FILE => state.snapshot = Some(found),
            Some(store) => drop(state.overrides.insert(store, found)),
            None => drop(state.overrides.insert(name, found)),
        }
    }
    Ok(state)
}

/// Without notes for exactly this file its revision is unknown, because it was never verified.
async fn snapshot_state(files: &dyn Files, path: &Path) -> Result<(Option<Notes>, SnapshotState), Failure> {
    let native = snapshot::check(files, path).await.map_err(|e| file_failure(path, &e))?;
    let notes = files.read(&notes_of(path)).ok().and_then(|b| serde_json::from_slice::<Notes>(&b).ok());
    let known = notes.clone().filter(|n| n.state.sha256 == native.sha256);
    let verified = native.verified && known.is_some();
    let state = native.with_revision(known.map_or(0, |n| n.state.revision));
    Ok((notes, SnapshotState { verified, ..state }))
}
