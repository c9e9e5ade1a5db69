//! Durable files. When these functions return, the change is on the disk, including the directory entry. A reader never sees half of it.
#![allow(clippy::disallowed_methods)] // this is the edge

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Replaces `path` as a whole: temporary file beside it (dot-prefixed), fsync, rename, fsync of the directory.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = parent(path)?;
    std::fs::create_dir_all(dir)?;
    let mut tmp = tempfile::Builder::new()
        .prefix(".podlift-")
        .permissions(std::fs::Permissions::from_mode(mode))
        .tempfile_in(dir)?;
    tmp.write_all(bytes)?;
    tmp.as_file().sync_all()?;
    tmp.persist(path)?;
    sync_dir(dir)
}

/// Appends and fsyncs. Creates the file with `mode` if it does not exist.
pub fn append(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let fresh = !path.exists();
    if fresh {
        std::fs::create_dir_all(parent(path)?)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    if fresh { sync_dir(parent(path)?) } else { Ok(()) }
}

pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}

pub fn read_to_string(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}

/// Removes a file. A file that does not exist is not an error.
pub fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => parent(path).and_then(sync_dir),
    }
}

pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn parent(path: &Path) -> io::Result<&Path> {
    let none =
        || io::Error::new(io::ErrorKind::InvalidInput, format!("{} has no parent directory", path.display()));
    path.parent().filter(|p| !p.as_os_str().is_empty()).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_replace_and_appends_append() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        write(&path, b"one", 0o600).unwrap();
        write(&path, b"two", 0o600).unwrap();
        append(&path, b"+", 0o600).unwrap();
        assert_eq!(read(&path).unwrap(), b"two+");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no litter");
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(write(Path::new("x"), b"", 0o600).is_err());
    }
}
