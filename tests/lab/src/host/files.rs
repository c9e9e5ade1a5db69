//! Files: the node's disk, every write durable as the port promises.

use super::Here;
use crate::world::Writer;
use podlift_agent::host::{FileKind, Files, ReplaceError, Space, Stat};
use podlift_model::Digest;
use std::io;
use std::path::Path;

pub struct Port(pub Here);

impl Files for Port {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.check()?;
        self.0.disk.read(path)
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.0.check()?;
        self.0.disk.stat(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.check()?;
        self.0.disk.list(dir)
    }
    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.0.check()?;
        let Here { world, node, disk, .. } = &self.0;
        world.writes(node, path, Writer::Agent, || disk.put_synced(path, bytes, mode))
    }
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.check()?;
        self.0.disk.append(path, bytes, true)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.check()?;
        match self.0.disk.remove(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
    fn remove_tree(&self, dir: &Path) -> io::Result<()> {
        for name in self.list(dir).unwrap_or_default() {
            self.remove_tree(&dir.join(name))?;
        }
        // A folder of a disk in memory is its files.
        match self.remove(dir) {
            Err(e) if self.stat(dir).is_ok_and(|s| s.kind != FileKind::Directory) => Err(e),
            _ => Ok(()),
        }
    }
    fn replace(
        &self,
        target: &Path,
        bytes: &[u8],
        seen: &Stat,
        hash: &Digest,
        _scratch: &Path,
    ) -> Result<(), ReplaceError> {
        self.0.check()?;
        let Here { world, node, disk, .. } = &self.0;
        let swap = || disk.swap(target, bytes, seen, hash);
        match world.writes(node, target, Writer::Agent, swap)? {
            true => Ok(()),
            false => Err(ReplaceError::Changed),
        }
    }
    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        self.0.check()?;
        let seeded = self.0.world.lock().node(&self.0.node).free_bytes;
        Ok(seeded.unwrap_or_else(|| self.0.disk.free_bytes()))
    }
    /// A node in memory has one file system, half full.
    fn space(&self, path: &Path) -> io::Result<Space> {
        let free_bytes = self.free_bytes(path)?;
        Ok(Space { device: 1, free_bytes, capacity_bytes: free_bytes * 2, free_inodes: 10_000_000 })
    }
}
