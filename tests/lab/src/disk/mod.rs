//! A node's disk: in memory (with what a power cut would lose) or a directory of this machine. Paths are absolute within the node.
//! Nothing here knows what the files mean.

mod below;
mod mem;
mod real;

pub use below::Below;
pub use mem::MemDisk;
pub use real::RealDisk;

use podlift_agent::host::{Change, Stat};
use podlift_model::Digest;
use std::io;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc::UnboundedReceiver;

/// Files of one node. A `put` or `rename` may be lost in a power cut within the next seconds, a `put_synced` may not.
pub trait Disk: Send + Sync {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// Names in a directory, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Writes as most tools do: through the page cache. Makes missing directories.
    fn put(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()>;
    /// Temporary file, fsync, rename, fsync of the directory.
    fn put_synced(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()>;
    fn append(&self, path: &Path, bytes: &[u8], sync: bool) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// Compare-and-swap on inode, change time and content; durable.
    fn swap(&self, target: &Path, bytes: &[u8], seen: &Stat, hash: &Digest) -> io::Result<bool>;
    fn watch(&self, dir: &Path) -> io::Result<UnboundedReceiver<Change>>;
    fn free_bytes(&self) -> u64;
    /// What was not yet on the platters is gone; watches end.
    fn power_cut(&self);
    /// Where the node's root is on this machine, if it is.
    fn root(&self) -> Option<PathBuf>;
}

impl dyn Disk + '_ {
    /// Text of a file, empty where there is none.
    pub fn text(&self, path: &str) -> String {
        self.read(Path::new(path)).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }
    pub fn exists(&self, path: &str) -> bool {
        self.stat(Path::new(path)).is_ok()
    }
    /// `put` of a text, for tools that report no disk errors of their own.
    pub fn put_text(&self, path: &str, text: &str, mode: u32) -> io::Result<()> {
        self.put(Path::new(path), text.as_bytes(), mode)
    }
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{}: no such file or directory", path.display()))
}
