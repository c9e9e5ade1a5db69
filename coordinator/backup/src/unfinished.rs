//! The directory of a set that is being made: `.unfinished-ID~…`, a new one for each attempt, so that late writes of an abandoned attempt
//! never reach the next one.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const PREFIX: &str = ".unfinished-";
/// A character that no id contains.
const APART: char = '~';

/// Makes a new directory, mode 0700.
pub(crate) fn make(root: &Path, id: &str) -> io::Result<PathBuf> {
    let prefix = format!("{PREFIX}{id}{APART}");
    let private = std::fs::Permissions::from_mode(0o700);
    let dir = tempfile::Builder::new().prefix(&prefix).permissions(private).tempdir_in(root)?;
    Ok(dir.keep())
}

/// The id in a directory's name; `None` if the directory is not of this kind.
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

/// Removes a directory. If another task removes it at the same time, the goal is reached. If an abandoned attempt still writes its last
/// file into it, the directory stays for the next removal; no other attempt writes there.
pub(crate) fn remove(dir: &Path) -> io::Result<()> {
    use io::ErrorKind::{DirectoryNotEmpty, NotFound};
    match std::fs::remove_dir_all(dir) {
        Err(e) if !matches!(e.kind(), NotFound | DirectoryNotEmpty) => Err(e),
        _ => Ok(()),
    }
}
