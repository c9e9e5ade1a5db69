//! Verifies that a set is still what was sealed: every byte of every member, nothing missing, nothing added, and no access for other users.

use crate::hashed::Hashed;
use crate::kind::Kind;
use crate::manifest::{Manifest, Member, SCHEMA, Stored};
use crate::{MANIFEST, SEAL, snapshot};
use podlift_common::durable;
use podlift_model::{ClusterName, Digest};
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A defect of a set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("{MANIFEST} can't be used: {0}")]
    Manifest(String),
    #[error("{SEAL} does not fit {MANIFEST}: one of them was changed")]
    Seal,
    #[error("it was sealed as {sealed}, and is {found} now: it is another set")]
    Another { sealed: Digest, found: Digest },
    #[error("it is of cluster {found}, expected {expected}: it was copied from another place")]
    Foreign { found: ClusterName, expected: ClusterName },
    #[error("{0} is missing")]
    Missing(String),
    #[error("{0} can't be read: {1}")]
    Unreadable(String, String),
    #[error("{path} has {found} bytes, sealed were {sealed}")]
    Size { path: String, sealed: u64, found: u64 },
    #[error("{0} was changed: its SHA-256 is another")]
    Changed(String),
    #[error("{0}: {1}")]
    Snapshot(String, String),
    #[error("{0} is not in the manifest")]
    Extra(String),
    #[error("{path} may be read by others (mode {mode:04o}): chmod it to 0700 or 0600")]
    Open { path: String, mode: u32 },
}

/// The manifest, and all defects. `sealed` is the hash that the journal holds, if it has one.
pub fn verify(dir: &Path, sealed: Option<&Digest>) -> Result<(Manifest, Vec<Problem>), Problem> {
    verify_with(dir, sealed, &mut |_, _| ())
}

/// Like `verify`, and reports the number of members read and their total.
pub fn verify_with(
    dir: &Path,
    sealed: Option<&Digest>,
    told: &mut dyn FnMut(usize, usize),
) -> Result<(Manifest, Vec<Problem>), Problem> {
    let (manifest, _) = opened(dir, sealed)?;
    let mut problems = Vec::new();
    for (read, m) in manifest.members.iter().enumerate() {
        told(read, manifest.members.len());
        problems.extend(member(dir, m));
    }
    problems.extend(others(dir, &manifest));
    Ok((manifest, problems))
}

/// Like `verify`, and also returns the hash of its seal.
pub fn sealed(dir: &Path, remembered: Option<&Digest>) -> Result<(Manifest, Digest, Vec<Problem>), Problem> {
    let (_, seal) = opened(dir, remembered)?;
    let (manifest, problems) = verify(dir, Some(&seal))?;
    Ok((manifest, seal, problems))
}

/// The manifest and its seal, after checking that they match. The members are not read.
pub(crate) fn opened(dir: &Path, sealed: Option<&Digest>) -> Result<(Manifest, Digest), Problem> {
    let unusable = |e: &dyn std::fmt::Display| Problem::Manifest(e.to_string());
    let text = durable::read(&dir.join(MANIFEST)).map_err(|e| unusable(&e))?;
    let found = Digest::of(&text);
    let seal = durable::read(&dir.join(SEAL)).map_err(|_| Problem::Missing(SEAL.into()))?;
    if seal != format!("{found}\n").as_bytes() {
        return Err(Problem::Seal);
    }
    if let Some(sealed) = sealed.filter(|s| **s != found) {
        return Err(Problem::Another { sealed: sealed.clone(), found });
    }
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|e| unusable(&e))?;
    if manifest.schema != SCHEMA {
        return Err(unusable(&format!("schema {:?}, expected {SCHEMA:?}", manifest.schema)));
    }
    Ok((manifest, found))
}

fn member(dir: &Path, member: &Member) -> Option<Problem> {
    let path = dir.join(&member.path);
    let name = || member.path.clone();
    let unreadable = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => Problem::Missing(name()),
        _ => Problem::Unreadable(name(), e.to_string()),
    };
    let (found, hash) = match hashed(&path) {
        Ok(seen) => seen,
        Err(e) => return Some(unreadable(e)),
    };
    if found != member.bytes {
        return Some(Problem::Size { path: name(), sealed: member.bytes, found });
    }
    if hash != member.sha256 {
        return Some(Problem::Changed(name()));
    }
    if member.kind != Kind::EtcdSnapshot || member.stored != Stored::Plain {
        return None;
    }
    match File::open(&path).and_then(snapshot::problem) {
        Ok(problem) => problem.map(|p| Problem::Snapshot(name(), p)),
        Err(e) => Some(unreadable(e)),
    }
}

fn hashed(path: &Path) -> io::Result<(u64, Digest)> {
    let mut file = Hashed::new(File::open(path)?);
    let bytes = io::copy(&mut file, &mut io::sink())?;
    Ok((bytes, file.digest()?))
}

/// Files that are not in the manifest, and permissions that are too open.
fn others(dir: &Path, manifest: &Manifest) -> Vec<Problem> {
    let known: BTreeSet<&str> =
        manifest.members.iter().map(|m| m.path.as_str()).chain([MANIFEST, SEAL]).collect();
    let mut problems = Vec::new();
    walk(dir, dir, &mut |path, mode, folder| {
        if mode & 0o077 != 0 {
            problems.push(Problem::Open { path: path.into(), mode });
        }
        if !folder && !known.contains(path) {
            problems.push(Problem::Extra(path.into()));
        }
    });
    problems
}

fn walk(root: &Path, dir: &Path, see: &mut impl FnMut(&str, u32, bool)) {
    let name = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    if let Ok(meta) = dir.symlink_metadata() {
        see(&name(dir), meta.permissions().mode() & 0o777, true);
    }
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => walk(root, &path, see),
            Ok(meta) => see(&name(&path), meta.permissions().mode() & 0o777, false),
            Err(_) => {}
        }
    }
}
