//! The directory of a set that is being made: `.unfinished-ID~…`, another one at each attempt, so that what is left of an attempt that
//! was given up never writes into the next one.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const PREFIX: &str = ".unfinished-";
/// Not in any id.
const APART: char = '~';

/// A new one, mode 0700.
pub(crate) fn make(root: &Path, id: &str) -> io::Result<PathBuf> {
    let prefix = format!("{PREFIX}{id}{APART}");
    let private = std::fs::Permissions::from_mode(0o700);
    let dir = tempfile::Builder::new().prefix(&prefix).permissions(private).tempdir_in(root)?;
    Ok(dir.keep())
}

/// The id in a directory's name; None: it is none of ours.
pub(crate) fn id(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(PREFIX)?;
    Some(rest.split_once(APART).map_or(rest, |(id, _)| id))
}

/// Removes every attempt at `id`.
pub(crate) fn clear(root: &Path, id: &str) -> io::Result<()> {
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        if self::id(&entry.file_name().to_string_lossy()) == Some(id) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// One that somebody removes at the same time is gone, and that is what was wanted. One into which the last write of an attempt that was
/// given up still goes stays for whoever comes next: nobody else writes there.
pub(crate) fn remove(dir: &Path) -> io::Result<()> {
    use io::ErrorKind::{DirectoryNotEmpty, NotFound};
    match std::fs::remove_dir_all(dir) {
        Err(e) if !matches!(e.kind(), NotFound | DirectoryNotEmpty) => Err(e),
        _ => Ok(()),
    }
}
