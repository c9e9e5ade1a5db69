//! An open folder, reached without following a symlink, and the operations on its entries by name.
#![allow(clippy::disallowed_methods)] // this is the edge

use super::stat_of;
use crate::Stat;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, RenameFlags, ResolveFlag, openat, openat2, renameat, renameat2};
use nix::sys::stat::{Mode, fchmod, fstat, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, unlinkat};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

pub struct Folder {
    fd: OwnedFd,
}

/// Flags of a folder for all operations.
fn dir_flags() -> OFlag {
    OFlag::O_RDONLY | lookup_flags()
}

/// Flags of a folder for lookups only.
fn lookup_flags() -> OFlag {
    OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

impl Folder {
    /// Opens `dir`, a path within the root.
    pub fn open(root: &Path, dir: &Path) -> io::Result<Self> {
        Self::walk(root, dir, false, dir_flags())
    }

    /// Like `open`, for `stat` alone. It causes no notice: the heal looks every other second, and would otherwise wake its own watcher each
    /// time.
    pub fn glance(root: &Path, dir: &Path) -> io::Result<Self> {
        Self::walk(root, dir, false, OFlag::O_PATH | lookup_flags())
    }

    /// Like `open`, and makes missing folders (0700).
    pub fn make(root: &Path, dir: &Path) -> io::Result<Self> {
        Self::walk(root, dir, true, dir_flags())
    }

    /// The root folder itself, for lookups.
    pub fn top(root: &Path) -> io::Result<Self> {
        Ok(Self { fd: nix::fcntl::open(root, OFlag::O_PATH | lookup_flags(), Mode::empty())? })
    }

    /// A folder of this one, for lookups; fails on a symlink.
    pub fn down(&self, name: &str) -> io::Result<Self> {
        Ok(self.enter(Path::new(name), false, OFlag::O_PATH | lookup_flags())?)
    }

    /// The folder's own state.
    pub fn own_stat(&self) -> io::Result<Stat> {
        Ok(stat_of(&fstat(&self.fd)?))
    }

    fn walk(root: &Path, dir: &Path, make: bool, flags: OFlag) -> io::Result<Self> {
        let at = Self { fd: nix::fcntl::open(root, flags, Mode::empty())? };
        match at.below(dir, flags)? {
            Some(there) => Ok(there),
            None => at.step_by_step(dir, make, flags),
        }
    }

    /// Opens the folder in one call (openat2, Linux 5.6). `None` if `step_by_step` must open it or report the error.
    fn below(&self, dir: &Path, flags: OFlag) -> io::Result<Option<Self>> {
        if dir.components().any(|part| matches!(part, Component::ParentDir | Component::Prefix(_))) {
            return Err(super::invalid(dir));
        }
        let Ok(dir) = dir.strip_prefix("/") else { return Ok(None) };
        if dir.as_os_str().is_empty() {
            return Ok(None);
        }
        let how = OpenHow::new()
            .flags(flags)
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
        Ok(openat2(&self.fd, dir, how).ok().map(|fd| Self { fd }))
    }

    fn step_by_step(self, dir: &Path, make: bool, flags: OFlag) -> io::Result<Self> {
        let mut at = self;
        for part in dir.components() {
            match part {
                Component::RootDir | Component::CurDir => {}
                Component::Normal(name) => {
                    at = at.enter(Path::new(name), make, flags).map_err(|e| explain(e, dir))?
                }
                Component::ParentDir | Component::Prefix(_) => return Err(super::invalid(dir)),
            }
        }
        Ok(at)
    }

    fn enter(&self, name: &Path, make: bool, flags: OFlag) -> Result<Self, Errno> {
        match openat(&self.fd, name, flags, Mode::empty()) {
            Err(Errno::ENOENT) if make => {
                match mkdirat(&self.fd, name, Mode::from_bits_truncate(0o700)) {
                    Ok(()) | Err(Errno::EEXIST) => {}
                    Err(e) => return Err(e),
                }
                nix::unistd::fsync(&self.fd)?;
                openat(&self.fd, name, flags, Mode::empty()).map(|fd| Self { fd })
            }
            other => other.map(|fd| Self { fd }),
        }
    }

    /// Opens a file of this folder; fails on a symlink.
    pub fn file(&self, name: &str, flags: OFlag, mode: Mode) -> io::Result<File> {
        let fd = openat(&self.fd, name, flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, mode)?;
        Ok(File::from(fd))
    }

    pub fn stat(&self, name: &str) -> io::Result<Stat> {
        Ok(stat_of(&fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW)?))
    }

    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut dir = nix::dir::Dir::from_fd(self.fd.try_clone()?)?;
        let mut names = Vec::new();
        for entry in dir.iter() {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Removes a file; succeeds if it does not exist.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) => self.sync(),
            Err(Errno::ENOENT) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Device and inode.
    pub fn identity(&self) -> io::Result<(u64, u64)> {
        let stat = fstat(&self.fd)?;
        Ok((stat.st_dev, stat.st_ino))
    }

    /// Moves `name` to `other` in `to`; fails if `other` exists.
    pub fn move_to(&self, name: &str, to: &Folder, other: &str) -> io::Result<()> {
        renameat2(&self.fd, name, &to.fd, other, RenameFlags::RENAME_NOREPLACE)?;
        to.sync()?;
        self.sync()
    }
    /// Removes a folder and all its content.
    pub fn remove_tree(&self, name: &str) -> io::Result<()> {
        match self.enter(Path::new(name), false, dir_flags()) {
            Ok(inner) => {
                for entry in inner.names()? {
                    inner.remove_tree(&entry)?;
                }
                unlinkat(&self.fd, name, UnlinkatFlags::RemoveDir)?;
                self.sync()
            }
            // It is no folder, or a symlink to one.
            Err(Errno::ENOTDIR | Errno::ELOOP) => self.remove(name),
            Err(Errno::ENOENT) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    pub fn sync(&self) -> io::Result<()> {
        Ok(nix::unistd::fsync(&self.fd)?)
    }

    /// A new file (O_EXCL) with `bytes` and `mode`, flushed to the disk. It is removed again unless it is renamed.
    pub fn temporary(&self, bytes: &[u8], mode: u32) -> io::Result<Temporary<'_>> {
        let temporary = self.written(bytes, mode)?;
        temporary.sync()?;
        Ok(temporary)
    }

    /// Like `temporary`, completely written but not yet flushed.
    pub fn written(&self, bytes: &[u8], mode: u32) -> io::Result<Temporary<'_>> {
        let name = format!(".podlift-{}", uuid::Uuid::new_v4().simple());
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let file = self.file(&name, flags, Mode::from_bits_truncate(0o600))?;
        let mut temporary = Temporary { folder: self, name, file, renamed: false };
        temporary.file.write_all(bytes)?;
        fchmod(&temporary.file, Mode::from_bits_truncate(mode & 0o7777))?;
        Ok(temporary)
    }
}

/// Adds an explanation to ELOOP and ENOTDIR, which say little by themselves.
fn explain(e: Errno, dir: &Path) -> io::Error {
    match e {
        Errno::ELOOP | Errno::ENOTDIR => io::Error::new(
            io::ErrorKind::NotADirectory,
            format!("{} leads through something that is no folder (symlinks are refused)", dir.display()),
        ),
        other => other.into(),
    }
}

pub struct Temporary<'a> {
    folder: &'a Folder,
    name: String,
    file: File,
    renamed: bool,
}

impl Temporary<'_> {
    /// Sets owner, group and mode before the file gets its visible name. The mode comes last, because a change of owner clears mode bits. A
    /// process that is not root can't give files away, so the owner then stays.
    pub fn dress(&self, (uid, gid): (Uid, Gid), mode: u32) -> io::Result<()> {
        let now = fstat(&self.file)?;
        if (now.st_uid, now.st_gid) != (uid.as_raw(), gid.as_raw()) {
            match nix::unistd::fchown(&self.file, Some(uid), Some(gid)) {
                Err(Errno::EPERM) if !nix::unistd::geteuid().is_root() => {}
                other => other?,
            }
        }
        Ok(fchmod(&self.file, Mode::from_bits_truncate(mode & 0o7777))?)
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Renames it over `name` in `target`, and syncs the directory entry.
    pub fn rename_to(mut self, target: &Folder, name: &str) -> io::Result<()> {
        renameat(&self.folder.fd, self.name.as_str(), &target.fd, name)?;
        self.renamed = true;
        target.sync()
    }

    /// Like `rename_to`, but fails with AlreadyExists if `name` exists.
    pub fn move_to(mut self, target: &Folder, name: &str) -> io::Result<()> {
        let flags = RenameFlags::RENAME_NOREPLACE;
        renameat2(&self.folder.fd, self.name.as_str(), &target.fd, name, flags)?;
        self.renamed = true;
        target.sync()
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = unlinkat(&self.folder.fd, self.name.as_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}
