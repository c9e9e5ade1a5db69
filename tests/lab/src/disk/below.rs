//! A folder of another disk as a disk: a software image on the head node's.

use super::Disk;
use podlift_agent::host::{Change, Stat};
use podlift_model::Digest;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

pub struct Below {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl Below {
    pub fn new(disk: Arc<dyn Disk>, folder: impl Into<PathBuf>) -> Self {
        Self { disk, folder: folder.into() }
    }

    fn at(&self, path: &Path) -> PathBuf {
        // A tool may have been given a path of this machine.
        let inside = self.root().and_then(|root| path.strip_prefix(root).ok());
        self.folder.join(inside.unwrap_or_else(|| path.strip_prefix("/").unwrap_or(path)))
    }
}

impl Disk for Below {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.disk.read(&self.at(path))
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.disk.stat(&self.at(path))
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(&self.at(dir))
    }
    fn put(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.disk.put(&self.at(path), bytes, mode)
    }
    fn put_synced(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.disk.put_synced(&self.at(path), bytes, mode)
    }
    fn append(&self, path: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
        self.disk.append(&self.at(path), bytes, sync)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(&self.at(from), &self.at(to))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(&self.at(path))
    }
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.make_dir(&self.at(path))
    }
    fn swap(&self, target: &Path, bytes: &[u8], seen: &Stat, hash: &Digest) -> io::Result<bool> {
        self.disk.swap(&self.at(target), bytes, seen, hash)
    }
    fn watch(&self, dir: &Path) -> io::Result<UnboundedReceiver<Change>> {
        self.disk.watch(&self.at(dir))
    }
    fn free_bytes(&self) -> u64 {
        self.disk.free_bytes()
    }
    /// Its power is the other disk's.
    fn power_cut(&self) {}
    fn root(&self) -> Option<PathBuf> {
        let inside = self.folder.strip_prefix("/").unwrap_or(&self.folder);
        self.disk.root().map(|root| root.join(inside))
    }
}
