//! Compare-and-swap of a file: the new content is on the disk before the last comparison of the old one, and the rename follows at once. A
//! file that another process moved in meanwhile is never overwritten knowingly.
#![allow(clippy::disallowed_methods)] // this is the edge

use super::folder::{Folder, Temporary};
use super::stat_of;
use crate::{FileKind, Intent, ReplaceError, Stat};
use nix::errno::Errno;
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{Gid, Uid};
use podlift_model::Digest;
use std::fs::File;
use std::io::{self, Read as _};

pub fn replace(
    dir: &Folder,
    name: &str,
    bytes: &[u8],
    seen: (&Stat, &Digest),
    scratch: &Folder,
    intent: &mut Intent<'_>,
) -> Result<(), ReplaceError> {
    refuse_strange(name, seen.0)?;
    let temporary = scratch.written(bytes, 0o600)?;
    temporary.dress(owner(dir, name)?, seen.0.mode)?;
    both(&temporary, intent)?;
    unchanged(dir, name, seen.0, seen.1)?;
    Ok(temporary.rename_to(dir, name)?)
}

/// Owner and group of the existing file. The repaired manifest keeps them, so that the same readers can read it.
fn owner(dir: &Folder, name: &str) -> Result<(Uid, Gid), ReplaceError> {
    let file = match dir.file(name, super::look(), Mode::empty()) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(ReplaceError::Changed),
        Err(e) if e.raw_os_error() == Some(Errno::ELOOP as i32) => return Err(ReplaceError::Changed),
        other => other?,
    };
    let stat = fstat(&file).map_err(io::Error::from)?;
    Ok((stat.st_uid.into(), stat.st_gid.into()))
}

/// Makes a file that does not exist yet.
pub fn create(
    dir: &Folder,
    name: &str,
    bytes: &[u8],
    scratch: &Folder,
    intent: &mut Intent<'_>,
) -> Result<(), ReplaceError> {
    let temporary = scratch.written(bytes, 0o600)?;
    both(&temporary, intent)?;
    match temporary.move_to(dir, name) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(ReplaceError::Changed),
        other => Ok(other?),
    }
}

/// Flushes content and intent in parallel: the file system then flushes its journal once for both, which is most of a heal's time. A full
/// or read-only file system has shown itself before, when the content was written.
fn both(temporary: &Temporary<'_>, intent: &mut Intent<'_>) -> io::Result<()> {
    std::thread::scope(|scope| {
        let content = scope.spawn(|| temporary.sync());
        let said = intent();
        content.join().map_err(|_| io::Error::other("the flush of the new content panicked"))??;
        said
    })
}

/// Accepts only a regular file with one name, owned by root (or by this user, if it is not root).
pub fn refuse_strange(name: &str, seen: &Stat) -> Result<(), ReplaceError> {
    let refuse = |why: String| {
        Err(ReplaceError::Io(io::Error::new(io::ErrorKind::PermissionDenied, format!("{name} {why}"))))
    };
    let own = nix::unistd::geteuid().as_raw();
    match seen {
        // Another file replaced it during the look.
        Stat { links: 0, .. } => Err(ReplaceError::Changed),
        Stat { kind, .. } if *kind != FileKind::Regular => {
            refuse(format!("is no regular file ({kind:?}); not replaced"))
        }
        Stat { links, .. } if *links != 1 => refuse(format!("has {links} names; not replaced")),
        Stat { uid, .. } if *uid != 0 && *uid != own => {
            refuse(format!("belongs to uid {uid}, expected root; not replaced"))
        }
        _ => Ok(()),
    }
}

/// Checks that it is still the file that was seen, with that content.
pub fn unchanged(dir: &Folder, name: &str, seen: &Stat, hash: &Digest) -> Result<(), ReplaceError> {
    let mut file = match dir.file(name, super::look(), Mode::empty()) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(ReplaceError::Changed),
        Err(e) if e.raw_os_error() == Some(Errno::ELOOP as i32) => return Err(ReplaceError::Changed),
        Err(e) => return Err(e.into()),
    };
    same(&file, seen)?;
    let mut content = Vec::with_capacity(usize::try_from(seen.size).unwrap_or(0));
    file.read_to_end(&mut content)?;
    if Digest::of(&content) == *hash { Ok(()) } else { Err(ReplaceError::Changed) }
}

/// Checks that the open file is the one that was seen and has not changed since.
pub fn same(file: &File, seen: &Stat) -> Result<(), ReplaceError> {
    let now = stat_of(&fstat(file).map_err(io::Error::from)?);
    match (now.inode, now.ctime, now.size) == (seen.inode, seen.ctime, seen.size) {
        true => Ok(()),
        false => Err(ReplaceError::Changed),
    }
}
