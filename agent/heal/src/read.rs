//! Reads a manifest safely: it follows no link, does not block and limits the size. A file that is no regular file or far too large is
//! reported, and not read.

use crate::manifest::{Manifest, ManifestError};
use crate::rules::Seen;
use crate::yaml;
use podlift_host::{FileKind, Files, Stat};
use podlift_model::Digest;
use podlift_model::op::Component;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Larger files are not parsed: a manifest has some thousand bytes.
const PARSED: u64 = 1 << 20;
/// The kubelet reads less than this (maxConfigLength), so a larger file can't start anything.
const KUBELET: u64 = 10 << 20;
/// Larger files are not compared before they are replaced.
const COMPARED: u64 = 16 << 20;

/// A file as it was read.
#[derive(Debug)]
pub struct Look {
    pub stat: Option<Stat>,
    /// Empty if the file is missing, strange, or larger than what is parsed.
    pub bytes: Vec<u8>,
    pub seen: Seen,
    /// For an unreadable file: the kubelet provably can't read it either.
    pub certain: bool,
    pub hash: Digest,
    /// When the file was first seen in this state, on the boot clock.
    pub since: Duration,
}

impl Look {
    fn of(stat: Option<Stat>, bytes: Vec<u8>, seen: Seen, since: Duration) -> Self {
        Self { stat, hash: Digest::of(&bytes), bytes, seen, certain: false, since }
    }

    pub fn manifest(&self) -> Option<&Manifest> {
        match &self.seen {
            Seen::Manifest(manifest) => Some(manifest),
            _ => None,
        }
    }
}

/// Stat of the file, which is not read; `None` if it does not exist.
pub fn stat(files: &dyn Files, path: &Path) -> io::Result<Option<Stat>> {
    match files.stat(path) {
        Ok(stat) => Ok(Some(stat)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// `None` if the file changed between the two stats.
pub fn read(
    files: &dyn Files,
    component: Component,
    path: &Path,
    stat: Option<Stat>,
    now: Duration,
) -> io::Result<Option<Look>> {
    let Some(stat) = stat else { return Ok(Some(Look::of(None, Vec::new(), Seen::Missing, now))) };
    if let Some(strange) = strange(&stat) {
        return Ok(Some(Look::of(Some(stat), Vec::new(), strange, now)));
    }
    let bytes = match files.read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            let seen = no_access(&e);
            return Ok(Some(Look::of(Some(stat), Vec::new(), seen, now)));
        }
        other => other?,
    };
    // The file grew during the read.
    if bytes.len() as u64 > COMPARED {
        return Ok(None);
    }
    let (seen, certain) = see(component, &bytes);
    let mut look = Look { certain, ..Look::of(Some(stat), bytes, seen, now) };
    if look.bytes.len() as u64 > PARSED {
        look.bytes = Vec::new();
    }
    Ok(Some(look))
}

fn strange(stat: &Stat) -> Option<Seen> {
    let tell = |what: String, why| Some(Seen::Strange { what, why });
    match stat.kind {
        FileKind::Regular if stat.size > COMPARED => tell(
            format!("it has {} MiB: the kubelet reads less than 10", stat.size >> 20),
            "so large a file is not touched; move it away",
        ),
        FileKind::Regular => None,
        FileKind::Symlink => tell(
            "it is a symbolic link".into(),
            "links are never followed nor replaced; put a regular file in its place",
        ),
        FileKind::Directory => tell("it is a folder".into(), "only regular files are touched; move it away"),
        FileKind::Other => {
            tell("it is no regular file".into(), "only regular files are touched; move it away")
        }
    }
}

fn no_access(e: &io::Error) -> Seen {
    Seen::Strange {
        what: format!("it can't be opened: {e}"),
        why: "the agent may not read it; it must run as root",
    }
}

/// Parses the bytes. The flag is set if the file is unreadable and the kubelet certainly can't read it either.
pub fn see(component: Component, bytes: &[u8]) -> (Seen, bool) {
    let size = bytes.len() as u64;
    if size >= KUBELET {
        let what = format!("it has {} MiB, and the kubelet reads less than 10", size >> 20);
        return (Seen::Unreadable(what), true);
    }
    if size > PARSED && yaml::is_hopeless(bytes) {
        return (Seen::Unreadable("it is no text".into()), true);
    }
    if size > PARSED {
        let what = format!("it has {} KiB, a manifest some five", size >> 10);
        return (Seen::Strange { what, why: "so much text is not parsed; look what is in it" }, false);
    }
    match Manifest::parse(component, bytes) {
        Ok(manifest) => (Seen::Manifest(manifest), false),
        Err(e @ ManifestError::NoContainer(_)) => {
            (Seen::Strange { what: e.to_string(), why: OTHER_POD }, false)
        }
        Err(e) => (Seen::Unreadable(e.to_string()), e.is_certain()),
    }
}

const OTHER_POD: &str =
    "the kubelet may run it as another pod; it is never replaced: put the component's container back";
