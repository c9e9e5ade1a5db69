//! The files of an image with paths as a node that runs it has them. Only reads, except for the one file that an op replaces. A path that
//! leads through a symbolic link is refused, because an absolute link of an image names a file of the head node.

use podlift_host::{FileKind, Files, ReplaceError, Stat};
use podlift_model::Digest;
use std::io;
use std::path::{Path, PathBuf};

pub struct Root<'a> {
    files: &'a dyn Files,
    root: PathBuf,
}

impl<'a> Root<'a> {
    pub fn new(files: &'a dyn Files, path: &str) -> Self {
        Self { files, root: path.into() }
    }

    fn place(&self, path: &Path) -> io::Result<PathBuf> {
        let inner = path.strip_prefix("/").unwrap_or(path);
        let mut place = self.root.clone();
        let mut parts = inner.components().peekable();
        while let Some(part) = parts.next() {
            place.push(part);
            let link = || self.files.stat(&place).is_ok_and(|s| s.kind == FileKind::Symlink);
            if parts.peek().is_some() && link() {
                let what = format!("{} is a symbolic link, which podlift does not follow", place.display());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
        }
        Ok(place)
    }
}

fn refused(what: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("{} is not written here", what.display()))
}

impl Files for Root<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let place = self.place(path)?;
        match self.files.stat(&place)?.kind {
            FileKind::Regular => self.files.read(&place),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{} is no regular file", place.display()),
            )),
        }
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.files.stat(&self.place(path)?)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        // The folder itself may be a link, too.
        let place = self.place(&dir.join("x"))?;
        self.files.list(place.parent().unwrap_or(&self.root))
    }
    fn write(&self, path: &Path, _: &[u8], _: u32) -> io::Result<()> {
        Err(refused(path))
    }
    fn append(&self, path: &Path, _: &[u8]) -> io::Result<()> {
        Err(refused(path))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        Err(refused(path))
    }
    fn remove_tree(&self, dir: &Path) -> io::Result<()> {
        Err(refused(dir))
    }
    fn replace(
        &self,
        target: &Path,
        bytes: &[u8],
        seen: &Stat,
        hash: &Digest,
        scratch: &Path,
    ) -> Result<(), ReplaceError> {
        let (target, scratch) = (self.place(target)?, self.place(&scratch.join("x"))?);
        self.files.replace(&target, bytes, seen, hash, scratch.parent().unwrap_or(&self.root))
    }
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.files.free_bytes(&self.place(path)?)
    }
}
