//! Files: absolute paths within the node. What a writing call returned from is on the disk, directory entry included.

use podlift_model::Digest;
use std::io;
use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Regular,
    Directory,
    Symlink,
    Other,
}

/// What identifies a file and its state, without following a symlink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    pub kind: FileKind,
    pub inode: u64,
    /// Change time, nanoseconds.
    pub ctime: i128,
    pub mode: u32,
    pub uid: u32,
    pub links: u64,
    pub size: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// Somebody changed the file meanwhile: read again and start over.
    #[error("the file changed while it was being repaired")]
    Changed,
    #[error(transparent)]
    Io(#[from] io::Error),
}

pub trait Files: Send + Sync {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// A part of a file, shorter at its end; for files that are too large to hold.
    fn read_at(&self, path: &Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(self.read(path)?.into_iter().skip(skip).take(len).collect())
    }
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// Names in a directory, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Replaces the file as a whole (temporary file beside it, fsync, rename, fsync of the directory); makes missing directories 0700.
    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()>;
    /// Appends and fsyncs; makes the file 0600.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Removes a file; one that is gone already is fine.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder of our own with all that is in it, following no symlink; one that is gone already is fine.
    fn remove_tree(&self, dir: &Path) -> io::Result<()>;
    /// Compare-and-swap: temporary file in `scratch` (same filesystem, O_EXCL, 0600), fsync, then `target` must still be the inode, ctime
    /// and content hash given, then rename over it and fsync of the directory. Nothing is left in `scratch`.
    fn replace(
        &self,
        target: &Path,
        bytes: &[u8],
        seen: &Stat,
        hash: &Digest,
        scratch: &Path,
    ) -> Result<(), ReplaceError>;
    /// The process that has a lock (fcntl) on the file; 0: one that this process can't see. None: nobody.
    fn lock_holder(&self, path: &Path) -> io::Result<Option<u32>> {
        let _ = path;
        Ok(None)
    }
    /// Free bytes of the filesystem that holds `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}
