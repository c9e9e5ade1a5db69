//! Files: absolute paths within the node. When a writing call returns, its result is on the disk, directory entry included.

use crate::owned::{self, Owned, Unowned};
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

/// The identity and state of a file; symlinks are not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    pub kind: FileKind,
    pub inode: u64,
    /// Change time in nanoseconds since the epoch.
    pub ctime: i128,
    pub mode: u32,
    pub uid: u32,
    pub links: u64,
    pub size: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// Another process changed the file meanwhile: read it again and start over.
    #[error("the file changed while it was being repaired")]
    Changed,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Free space of a filesystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Device number of the filesystem.
    pub device: u64,
    pub free_bytes: u64,
    /// Size of the filesystem; 0 if it is not known.
    pub capacity_bytes: u64,
    pub free_inodes: u64,
}

/// A file to put in place of the one that the caller has read.
#[derive(Debug, Clone, Copy)]
pub struct Swap<'a> {
    pub target: &'a Path,
    pub bytes: &'a [u8],
    /// The existing file and the hash of its content; `None` if there is none.
    pub seen: Option<(&'a Stat, &'a Digest)>,
    /// A folder of the same filesystem for the temporary file.
    pub scratch: &'a Path,
}

/// Called when everything except the visible change is done. If it fails, nothing is changed.
pub type Intent<'a> = dyn FnMut() -> io::Result<()> + 'a;

pub trait Files: Send + Sync {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// A part of a file, shorter at the file's end. For files that are too large for memory.
    fn read_at(&self, path: &Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(self.read(path)?.into_iter().skip(skip).take(len).collect())
    }
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// Names in a directory, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Replaces the file as a whole (temporary file beside it, fsync, rename, fsync of the directory). Makes missing directories with mode
    /// 0700.
    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()>;
    /// Appends and fsyncs. A new file gets mode 0600.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Removes a file; succeeds if it does not exist.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder of podlift with all its content, following no symlink; succeeds if it does not exist.
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
    /// Like `replace`, and also makes a new file if none exists, without overwriting one that appears meanwhile. The content is written
    /// before `intent` is called, so that a full or read-only filesystem leaves no intent behind; both are on the disk before the change.
    fn swap(&self, swap: &Swap<'_>, intent: &mut Intent<'_>) -> Result<(), ReplaceError> {
        let Swap { target, bytes, seen, scratch } = *swap;
        intent()?;
        match seen {
            Some((stat, hash)) => self.replace(target, bytes, stat, hash, scratch),
            None if self.stat(target).is_ok() => Err(ReplaceError::Changed),
            None => Ok(self.write(target, bytes, 0o600)?),
        }
    }
    /// Copies the file that was seen at `from` to `to`, then removes it from `from`. A file that another process put there meanwhile stays.
    fn move_aside(
        &self,
        from: &Path,
        seen: (&Stat, &Digest),
        to: &Path,
        intent: &mut Intent<'_>,
    ) -> Result<(), ReplaceError> {
        let content = self.read(from)?;
        if self.stat(from)? != *seen.0 || Digest::of(&content) != *seen.1 {
            return Err(ReplaceError::Changed);
        }
        self.write(to, &content, 0o600)?;
        intent()?;
        Ok(self.remove(from)?)
    }
    /// Sets the mode of the file that was seen, and root as its owner if `own` is set.
    fn secure(&self, path: &Path, _seen: &Stat, _mode: u32, _own: bool) -> Result<(), ReplaceError> {
        let what = format!("the mode of {} can't be changed here", path.display());
        Err(ReplaceError::Io(io::Error::new(io::ErrorKind::Unsupported, what)))
    }
    /// Device and inode of a folder, which identify it whatever its name.
    fn identity(&self, dir: &Path) -> io::Result<(u64, u64)> {
        Ok((0, self.stat(dir)?.inode))
    }
    /// The user id of this process, which may own files besides root.
    fn own_uid(&self) -> u32 {
        0
    }
    /// A file of the site that is to be trusted as root's own word, with its content of at most `most` bytes: neither it nor a folder above
    /// it can have been written by others, and no part of the path is a symbolic link. Files without folders of their own, as those of a
    /// double, are judged alone.
    fn read_owned(&self, path: &Path, most: usize) -> Result<Owned, Unowned> {
        let stat = self.program(path)?;
        let bytes = self.read(path).map_err(|e| Unowned::io(path, e))?;
        match bytes.len() <= most {
            true => Ok(Owned { stat, bytes }),
            false => Err(Unowned::Large { path: path.into(), size: stat.size, most }),
        }
    }
    /// A file that is trusted in the same way, without its content. Symbolic links may lead to it; what is judged is where they lead.
    fn program(&self, path: &Path) -> Result<Stat, Unowned> {
        for dir in path.ancestors().skip(1) {
            if let Ok(stat) = self.stat(dir) {
                owned::folder(dir, &stat, self.own_uid())?;
            }
        }
        let stat = self.stat(path).map_err(|e| Unowned::io(path, e))?;
        owned::file(path, &stat, self.own_uid())?;
        Ok(stat)
    }
    /// The process that has a lock (fcntl) on the file; 0 if this process can't see it. `None` if the file is not locked.
    fn lock_holder(&self, path: &Path) -> io::Result<Option<u32>> {
        let _ = path;
        Ok(None)
    }
    /// Free bytes of the filesystem that holds `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
    /// The filesystem that holds `path`, or would hold it if it existed.
    fn space(&self, path: &Path) -> io::Result<Space> {
        Ok(Space { device: 0, free_bytes: self.free_bytes(path)?, capacity_bytes: 0, free_inodes: u64::MAX })
    }
}
