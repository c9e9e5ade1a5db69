//! Files with a second writer, and files whose compare-and-swap does not compare.

use podlift_agent::host::{Files, ReplaceError, Stat};
use podlift_model::Digest;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The race happens all the same; what it left is overwritten.
pub struct NoSwapAfter(pub Arc<Racing>);

impl Files for NoSwapAfter {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.read(path)
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.0.stat(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }
    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.0.write(path, bytes, mode)
    }
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.append(path, bytes)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }
    fn remove_tree(&self, dir: &Path) -> io::Result<()> {
        self.0.remove_tree(dir)
    }
    fn replace(
        &self,
        target: &Path,
        bytes: &[u8],
        _: &Stat,
        _: &Digest,
        _: &Path,
    ) -> Result<(), ReplaceError> {
        self.0.race(target)?;
        Ok(self.0.write(target, bytes, 0o600)?)
    }
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.0.free_bytes(path)
    }
}

/// A second writer moves a newer file in, once, right before a repair is put in place.
pub struct Racing {
    pub inner: Arc<dyn Files>,
    pub newer: std::sync::Mutex<Option<Vec<u8>>>,
}

impl Racing {
    fn race(&self, target: &Path) -> io::Result<()> {
        let newer = self.newer.lock().unwrap_or_else(|e| e.into_inner()).take();
        newer.map_or(Ok(()), |newer| self.inner.write(target, &newer, 0o600))
    }
}

impl Files for Racing {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.inner.read(path)
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.inner.stat(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }
    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.inner.write(path, bytes, mode)
    }
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.inner.append(path, bytes)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }
    fn remove_tree(&self, dir: &Path) -> io::Result<()> {
        self.inner.remove_tree(dir)
    }
    fn replace(
        &self,
        target: &Path,
        bytes: &[u8],
        seen: &Stat,
        hash: &Digest,
        scratch: &Path,
    ) -> Result<(), ReplaceError> {
        self.race(target)?;
        self.inner.replace(target, bytes, seen, hash, scratch)
    }
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.inner.free_bytes(path)
    }
}
