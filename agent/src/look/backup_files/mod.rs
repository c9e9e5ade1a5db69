//! Files of this node that belong in a backup: their list, and parts of them. The list is closed: a file outside of its places is never
//! served, no symlink is followed on the way, and a secret file leaves the node only encrypted.

mod etcd;
mod named;
mod place;
mod places;
mod secret;
#[cfg(test)]
mod tests;

pub(crate) use secret::SPOOL;

use crate::node::Node;
use crate::ops::shared::file_failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use place::Place;
use podlift_host::{FileKind, Files};
use podlift_model::Failure;
use podlift_model::survey::{BackupFile, FilePart};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// 1 MiB as base64.
const PART: usize = 768 << 10;

/// The files, sorted by path.
pub fn list(node: &Node) -> Result<Vec<BackupFile>, Failure> {
    let files = node.host.files.as_ref();
    let mut all = BTreeMap::new();
    for place in places::of(node) {
        walk(files, &place, &place.path, &mut all)?;
    }
    Ok(all.into_values().collect())
}

fn walk(
    files: &dyn Files,
    place: &Place,
    path: &Path,
    all: &mut BTreeMap<String, BackupFile>,
) -> Result<(), Failure> {
    let stat = match files.stat(path) {
        // In the in-memory disk of tests, a folder has no entry of its own.
        Err(e) if absent(&e) => return children(files, place, path, all),
        other => other.map_err(|e| file_failure(path, &e))?,
    };
    match stat.kind {
        FileKind::Directory => children(files, place, path, all),
        FileKind::Regular if place.covers(path) => {
            let name = path.display().to_string();
            let secret = place.secret(path);
            let new = BackupFile { path: name.clone(), bytes: stat.size, mode: stat.mode, secret };
            all.entry(name).or_insert(new).secret |= secret;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn children(
    files: &dyn Files,
    place: &Place,
    dir: &Path,
    all: &mut BTreeMap<String, BackupFile>,
) -> Result<(), Failure> {
    if !place.enters(dir) {
        return Ok(());
    }
    let names = match files.list(dir) {
        Err(e) if absent(&e) => Vec::new(),
        other => other.map_err(|e| file_failure(dir, &e))?,
    };
    names.iter().try_for_each(|name| walk(files, place, &dir.join(name), all))
}

/// The file does not exist, or its parent is no folder (`/lib` that is a symlink).
fn absent(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

pub async fn part(node: &Node, path: &str, offset: u64, recipients: &[String]) -> Result<FilePart, Failure> {
    let (files, at) = (node.host.files.as_ref(), Path::new(path));
    let places = places::of(node);
    let Some(place) = places.iter().find(|place| place.covers(at)) else {
        let message = format!("{path} is not among the files of this node's backup; ask for their list");
        return Err(Failure::permanent("not-in-backup", message));
    };
    let stat = files.stat(at).map_err(|e| file_failure(at, &e))?;
    if stat.kind != FileKind::Regular {
        let message = format!("{path} is no regular file; only those are in a backup");
        return Err(Failure::permanent("not-in-backup", message));
    }
    // A file is secret if any place calls it secret.
    if places.iter().any(|other| other.covers(at) && other.secret(at)) || place.secret(at) {
        return secret::part(node, at, offset, recipients).await;
    }
    read(files, path, at, stat.size, offset)
}

/// The part at `offset` of `from`, a file of `size` bytes.
fn read(files: &dyn Files, path: &str, from: &Path, size: u64, offset: u64) -> Result<FilePart, Failure> {
    let bytes = files.read_at(from, offset, PART).map_err(|e| file_failure(from, &e))?;
    let last = offset.saturating_add(bytes.len() as u64) >= size || bytes.is_empty();
    Ok(FilePart { path: path.into(), offset, base64: STANDARD.encode(bytes), last })
}
