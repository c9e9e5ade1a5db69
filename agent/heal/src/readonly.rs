//! Files that can be read but never written, for a heal without a usable folder.

use podlift_host::{Files, ReplaceError, Space, Stat};
use podlift_model::Digest;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub(crate) struct ReadOnly(pub Arc<dyn Files>);

fn refused<T>(path: &Path) -> io::Result<T> {
    let why =
        format!("{} is not written: the heal's memory can't be kept, so it only observes", path.display());
    Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, why))
}

impl Files for ReadOnly {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.read(path)
    }
    fn read_at(&self, path: &Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.0.read_at(path, offset, len)
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.0.stat(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.list(dir)
    }
    fn write(&self, path: &Path, _: &[u8], _: u32) -> io::Result<()> {
        refused(path)
    }
    fn append(&self, path: &Path, _: &[u8]) -> io::Result<()> {
        refused(path)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        refused(path)
    }
    fn remove_tree(&self, dir: &Path) -> io::Result<()> {
        refused(dir)
    }
    fn replace(&self, target: &Path, _: &[u8], _: &Stat, _: &Digest, _: &Path) -> Result<(), ReplaceError> {
        Ok(refused(target)?)
    }
    fn secure(&self, path: &Path, _: &Stat, _: u32, _: bool) -> Result<(), ReplaceError> {
        Ok(refused(path)?)
    }
    fn identity(&self, dir: &Path) -> io::Result<(u64, u64)> {
        self.0.identity(dir)
    }
    fn own_uid(&self) -> u32 {
        self.0.own_uid()
    }
    fn lock_holder(&self, path: &Path) -> io::Result<Option<u32>> {
        self.0.lock_holder(path)
    }
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.0.free_bytes(path)
    }
    fn space(&self, path: &Path) -> io::Result<Space> {
        self.0.space(path)
    }
}
