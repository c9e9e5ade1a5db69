//! Files that only root can have written: each folder of the path, from the root folder on, and the file itself belong to root (or to the
//! user of this process), nobody else may write to them, and none is a symbolic link.

use crate::{FileKind, Stat};
use std::io;
use std::path::{Path, PathBuf};

/// Such a file with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    pub stat: Stat,
    pub bytes: Vec<u8>,
}

/// Why a file is none of these, with the next command.
#[derive(Debug, thiserror::Error)]
pub enum Unowned {
    #[error("{0} is a symbolic link: expected a file or folder of its own; put the file itself there")]
    Link(PathBuf),
    #[error("{0} is no regular file")]
    NotAFile(PathBuf),
    #[error("{0} is no folder")]
    NotAFolder(PathBuf),
    #[error("{path} belongs to user {uid}: expected root; chown root {path}")]
    Owner { path: PathBuf, uid: u32 },
    #[error("{path} can be written by others (mode {mode:04o}): expected root alone; chmod go-w {path}")]
    Writable { path: PathBuf, mode: u32 },
    #[error("{path} has {size} bytes: expected at most {most}")]
    Large { path: PathBuf, size: u64, most: usize },
    #[error("{path} can't be read: {error}")]
    Io { path: PathBuf, error: io::Error },
}

impl Unowned {
    pub fn io(path: &Path, error: impl Into<io::Error>) -> Self {
        Self::Io { path: path.into(), error: error.into() }
    }

    /// Whether the file does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Judges a folder of the path.
pub(crate) fn folder(path: &Path, stat: &Stat, own: u32) -> Result<(), Unowned> {
    match stat.kind {
        FileKind::Directory => of_root(path, stat, own),
        FileKind::Symlink => Err(Unowned::Link(path.into())),
        _ => Err(Unowned::NotAFolder(path.into())),
    }
}

/// Judges the file.
pub(crate) fn file(path: &Path, stat: &Stat, own: u32) -> Result<(), Unowned> {
    match stat.kind {
        FileKind::Regular => of_root(path, stat, own),
        FileKind::Symlink => Err(Unowned::Link(path.into())),
        _ => Err(Unowned::NotAFile(path.into())),
    }
}

/// Bits of group and others.
const WRITE: u32 = 0o022;

fn of_root(path: &Path, stat: &Stat, own: u32) -> Result<(), Unowned> {
    let (path, uid, mode) = (path.into(), stat.uid, stat.mode);
    match (uid == 0 || uid == own, mode & WRITE == 0) {
        (false, _) => Err(Unowned::Owner { path, uid }),
        (_, false) => Err(Unowned::Writable { path, mode }),
        (true, true) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(kind: FileKind, uid: u32, mode: u32) -> Stat {
        Stat { kind, inode: 1, ctime: 1, mode, uid, links: 1, size: 0 }
    }

    #[test]
    fn what_others_could_have_written_is_refused() {
        use FileKind::{Directory, Other, Regular, Symlink};
        let at = Path::new("/etc/podlift/checks.d/a.sh");
        let why = |result: Result<(), Unowned>| result.err().map(|e| e.to_string()).unwrap_or_default();
        for (seen, words) in [
            (stat(Regular, 0, 0o644), ""),
            (stat(Regular, 0, 0o4755), ""),
            (stat(Regular, 7, 0o700), ""),
            (stat(Regular, 8, 0o700), "belongs to user 8: expected root; chown root /etc/podlift"),
            (
                stat(Regular, 0, 0o664),
                "can be written by others (mode 0664): expected root alone; chmod go-w",
            ),
            (stat(Regular, 0, 0o646), "(mode 0646)"),
            (stat(Symlink, 0, 0o777), "is a symbolic link"),
            (stat(Directory, 0, 0o755), "is no regular file"),
            (stat(Other, 0, 0o600), "is no regular file"),
        ] {
            let said = why(file(at, &seen, 7));
            assert!(said.contains(words) && said.is_empty() == words.is_empty(), "{seen:?}: {said}");
        }
        for (seen, words) in [
            (stat(Directory, 0, 0o755), ""),
            (stat(Directory, 0, 0o1777), "mode 1777"),
            (stat(Directory, 8, 0o755), "belongs to user 8"),
            (stat(Symlink, 0, 0o777), "is a symbolic link"),
            (stat(Regular, 0, 0o600), "is no folder"),
        ] {
            let said = why(folder(at, &seen, 7));
            assert!(said.contains(words) && said.is_empty() == words.is_empty(), "{seen:?}: {said}");
        }
    }
}
