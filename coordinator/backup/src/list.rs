//! The sets below a root, newest first.

use crate::manifest::Manifest;
use crate::{unfinished, verify};
use podlift_model::Digest;
use std::io;
use std::path::Path;

#[derive(Debug)]
pub struct Entry {
    pub id: String,
    /// Name of its directory: the id, if the set has its name.
    pub directory: String,
    /// Bytes of its members.
    pub bytes: u64,
    /// The reason if it cannot be read; `verify` reports more.
    pub manifest: Result<Manifest, String>,
    /// Hash of the manifest, as it was sealed.
    pub sha256: Option<Digest>,
    /// The set has no name: the attempt was interrupted, or it is being made now.
    pub unfinished: bool,
}

/// A root that does not exist has no sets.
pub fn list(root: &Path) -> io::Result<Vec<Entry>> {
    let entries = match std::fs::read_dir(root) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            all.push(read(&entry.path(), entry.file_name().to_string_lossy().into_owned()));
        }
    }
    let made = |e: &Entry| e.manifest.as_ref().ok().map(|m| m.made_at);
    all.sort_by(|a, b| made(b).cmp(&made(a)).then_with(|| a.id.cmp(&b.id)));
    Ok(all)
}

fn read(dir: &Path, directory: String) -> Entry {
    let opened = verify::opened(dir, None).map_err(|problem| problem.to_string());
    let (manifest, sha256) = match opened {
        Ok((manifest, sha256)) => (Ok(manifest), Some(sha256)),
        Err(why) => (Err(why), None),
    };
    let bytes = manifest.as_ref().map_or(0, |m| m.members.iter().map(|m| m.bytes).sum());
    let unfinished = unfinished::id(&directory);
    let id = unfinished.unwrap_or(&directory).to_string();
    Entry { id, unfinished: unfinished.is_some(), directory, bytes, manifest, sha256 }
}
