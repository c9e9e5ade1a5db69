//! Files below one root folder. Directories are opened one component at a time without following a symlink, so that no process can redirect
//! a write. Only `replace` puts a file in place of another, and only of the one that was read.
#![allow(clippy::disallowed_methods)] // this is the edge

mod aside;
mod folder;
mod locks;
mod owned;
mod replace;

use crate::paths;
use crate::{FileKind, Files, Intent, Owned, ReplaceError, Space, Stat, Swap, Unowned};
use folder::Folder;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, Mode, SFlag};
use podlift_model::Digest;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

pub struct RealFiles {
    root: PathBuf,
}

impl RealFiles {
    /// `root` itself may be reached through symlinks, but nothing below it.
    pub fn open(root: &Path) -> io::Result<Self> {
        Ok(Self { root: root.canonicalize()? })
    }

    /// The open folder of a file, and the file's name in that folder.
    fn parent<'a>(&self, path: &'a Path) -> io::Result<(Folder, &'a str)> {
        let dir = path.parent().ok_or_else(|| invalid(path))?;
        Ok((Folder::open(&self.root, dir)?, name_of(path)?))
    }
}

impl Files for RealFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let opened = self.parent(path).and_then(|(dir, name)| dir.file(name, look(), Mode::empty()));
        let mut file = match opened {
            // A root other than / has no /proc of its own; the kernel is the same.
            Err(e) if e.kind() == io::ErrorKind::NotFound && path.starts_with("/proc") => {
                std::fs::File::open(path)?
            }
            other => other?,
        };
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read_at(&self, path: &Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let (dir, name) = self.parent(path)?;
        let mut file = dir.file(name, look(), Mode::empty())?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(len);
        file.take(len as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let dir = path.parent().ok_or_else(|| invalid(path))?;
        Folder::glance(&self.root, dir)?.stat(name_of(path)?)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        Folder::open(&self.root, dir)?.names()
    }

    fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        let dir = path.parent().ok_or_else(|| invalid(path))?;
        let target = Folder::make(&self.root, dir)?;
        // The kubelet reads its whole folder, so a crash must not leave even a dot-file there.
        let scratch = if dir == Path::new(paths::MANIFESTS) { Path::new(paths::SCRATCH) } else { dir };
        let (scratch, name) = (Folder::make(&self.root, scratch)?, name_of(path)?);
        match scratch.temporary(bytes, mode)?.rename_to(&target, name) {
            Err(e) if e.kind() == io::ErrorKind::CrossesDevices => {
                target.temporary(bytes, mode)?.rename_to(&target, name)
            }
            other => other,
        }
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let dir = path.parent().ok_or_else(|| invalid(path))?;
        let dir = Folder::make(&self.root, dir)?;
        let name = name_of(path)?;
        let fresh = dir.stat(name).is_err();
        let flags = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT;
        let mut file = dir.file(name, flags, Mode::from_bits_truncate(0o600))?;
        let before = file.metadata()?.len();
        if let Err(e) = file.write_all(bytes).and_then(|()| file.sync_data()) {
            // The disk may be full: cut off the written part of the line, if possible.
            drop(file.set_len(before));
            return Err(e);
        }
        if fresh { dir.sync() } else { Ok(()) }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match self.parent(path) {
            Ok((dir, name)) => dir.remove(name),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn remove_tree(&self, dir: &Path) -> io::Result<()> {
        match self.parent(dir) {
            Ok((parent, name)) => parent.remove_tree(name),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn replace(
        &self,
        target: &Path,
        bytes: &[u8],
        seen: &Stat,
        hash: &Digest,
        scratch: &Path,
    ) -> Result<(), ReplaceError> {
        self.swap(&Swap { target, bytes, seen: Some((seen, hash)), scratch }, &mut || Ok(()))
    }

    fn swap(&self, swap: &Swap<'_>, intent: &mut Intent<'_>) -> Result<(), ReplaceError> {
        let (dir, name) = self.parent(swap.target)?;
        let scratch = Folder::make(&self.root, swap.scratch)?;
        within(&dir, &scratch, |scratch| match swap.seen {
            Some((seen, hash)) => replace::replace(&dir, name, swap.bytes, (seen, hash), scratch, intent),
            None => replace::create(&dir, name, swap.bytes, scratch, intent),
        })
    }

    fn move_aside(
        &self,
        from: &Path,
        seen: (&Stat, &Digest),
        to: &Path,
        intent: &mut Intent<'_>,
    ) -> Result<(), ReplaceError> {
        let (dir, name) = self.parent(from)?;
        let scratch = Folder::make(&self.root, Path::new(paths::SCRATCH))?;
        let kept = Folder::make(&self.root, to.parent().ok_or_else(|| invalid(to))?)?;
        let to = name_of(to)?;
        within(&dir, &scratch, |scratch| aside::move_aside((&dir, name), seen, (&kept, to), scratch, intent))
    }

    fn secure(&self, path: &Path, seen: &Stat, mode: u32, own: bool) -> Result<(), ReplaceError> {
        let (dir, name) = self.parent(path)?;
        let file = dir.file(name, look(), Mode::empty())?;
        replace::same(&file, seen)?;
        if own {
            nix::unistd::fchown(&file, Some(0.into()), Some(0.into())).map_err(io::Error::from)?;
        }
        nix::sys::stat::fchmod(&file, Mode::from_bits_truncate(mode & 0o7777)).map_err(io::Error::from)?;
        Ok(file.sync_all()?)
    }

    fn identity(&self, dir: &Path) -> io::Result<(u64, u64)> {
        Folder::glance(&self.root, dir)?.identity()
    }

    fn own_uid(&self) -> u32 {
        nix::unistd::geteuid().as_raw()
    }

    fn read_owned(&self, path: &Path, most: usize) -> Result<Owned, Unowned> {
        self.read_owned_file(path, most)
    }

    fn program(&self, path: &Path) -> Result<Stat, Unowned> {
        let resolved = super::below(&self.root, path).canonicalize().map_err(|e| Unowned::io(path, e))?;
        let within = resolved.strip_prefix(&self.root).map_err(|_| Unowned::Link(path.into()))?;
        Ok(self.open_owned(&Path::new("/").join(within))?.1.stat)
    }

    fn lock_holder(&self, path: &Path) -> io::Result<Option<u32>> {
        let opened = self.parent(path).and_then(|(dir, name)| dir.file(name, OFlag::O_RDONLY, Mode::empty()));
        match opened {
            Ok(file) => locks::holder(&file),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        Ok(self.space(path)?.free_bytes)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        let wanted = super::below(&self.root, path);
        let there = wanted.ancestors().find(|p| p.exists()).unwrap_or(&self.root);
        let stat = nix::sys::statvfs::statvfs(there)?;
        Ok(Space {
            device: nix::sys::stat::stat(there)?.st_dev,
            free_bytes: stat.blocks_available() as u64 * stat.fragment_size() as u64,
            capacity_bytes: stat.blocks() as u64 * stat.fragment_size() as u64,
            // Some filesystems create inodes on demand and report none.
            free_inodes: if stat.files() == 0 { u64::MAX } else { stat.files_available() as u64 },
        })
    }
}

/// Works with `scratch`, or with the folder itself if it is a mount point, because a rename can't leave a mount. Temporary names begin with
/// a dot, which the kubelet skips.
fn within(
    dir: &Folder,
    scratch: &Folder,
    mut work: impl FnMut(&Folder) -> Result<(), ReplaceError>,
) -> Result<(), ReplaceError> {
    match work(scratch) {
        Err(ReplaceError::Io(e)) if e.kind() == io::ErrorKind::CrossesDevices => work(dir),
        other => other,
    }
}

/// Flags for reading. O_NONBLOCK, because the path may be a pipe.
fn look() -> OFlag {
    OFlag::O_RDONLY | OFlag::O_NONBLOCK
}

fn invalid(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{} is not the path of a file", path.display()))
}

fn name_of(path: &Path) -> io::Result<&str> {
    path.file_name().and_then(|n| n.to_str()).ok_or_else(|| invalid(path))
}

fn stat_of(s: &FileStat) -> Stat {
    let kind = match SFlag::from_bits_truncate(s.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => FileKind::Regular,
        SFlag::S_IFDIR => FileKind::Directory,
        SFlag::S_IFLNK => FileKind::Symlink,
        _ => FileKind::Other,
    };
    Stat {
        kind,
        inode: s.st_ino,
        ctime: i128::from(s.st_ctime) * 1_000_000_000 + i128::from(s.st_ctime_nsec),
        mode: s.st_mode & 0o7777,
        uid: s.st_uid,
        links: s.st_nlink,
        size: u64::try_from(s.st_size).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests;
