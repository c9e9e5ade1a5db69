//! A directory of this machine as a node's disk. It is what the agents of a demo see through their `--root`.
#![allow(clippy::disallowed_methods)] // this is an edge: the double of a disk

use super::Disk;
use notify::Watcher as _;
use podlift_agent::host::{Change, FileKind, Stat};
use podlift_common::durable;
use podlift_model::Digest;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Tools may get a path within the node or one of this machine.
    fn at(&self, path: &Path) -> PathBuf {
        if path.starts_with(&self.root) {
            return path.into();
        }
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

impl Disk for RealDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(self.at(path))
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let m = fs::symlink_metadata(self.at(path))?;
        let kind = match m.file_type() {
            t if t.is_file() => FileKind::Regular,
            t if t.is_dir() => FileKind::Directory,
            t if t.is_symlink() => FileKind::Symlink,
            _ => FileKind::Other,
        };
        let ctime = i128::from(m.ctime()) * 1_000_000_000 + i128::from(m.ctime_nsec());
        Ok(Stat {
            kind,
            inode: m.ino(),
            ctime,
            mode: m.mode() & 0o7777,
            uid: m.uid(),
            links: m.nlink(),
            size: m.len(),
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let names =
            fs::read_dir(self.at(dir))?.map(|e| e.map(|e| e.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<io::Result<Vec<String>>>()?;
        names.sort();
        Ok(names)
    }

    fn put(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        let path = self.at(path);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        let mut file =
            fs::OpenOptions::new().create(true).write(true).truncate(true).mode(mode).open(&path)?;
        file.write_all(bytes)
    }

    fn put_synced(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        durable::write(&self.at(path), bytes, mode)
    }

    fn append(&self, path: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
        let path = self.at(path);
        if sync {
            return durable::append(&path, bytes, 0o600);
        }
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?.write_all(bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let to = self.at(to);
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::rename(self.at(from), to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let path = self.at(path);
        if !path.is_dir() {
            return fs::remove_file(path);
        }
        // Gone at once and whole, even if a process still writes into it.
        let gone = path.with_extension("gone");
        fs::rename(&path, &gone)?;
        fs::remove_dir_all(&gone)
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let path = self.at(path);
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
    }

    fn swap(&self, target: &Path, bytes: &[u8], seen: &Stat, hash: &Digest) -> io::Result<bool> {
        let now = self.stat(target)?;
        if (now.inode, now.ctime) != (seen.inode, seen.ctime) || Digest::of(self.read(target)?) != *hash {
            return Ok(false);
        }
        durable::write(&self.at(target), bytes, now.mode)?;
        Ok(true)
    }

    fn watch(&self, dir: &Path) -> io::Result<UnboundedReceiver<Change>> {
        let dir = self.at(dir);
        let (sender, receiver) = unbounded_channel();
        let (ended, raw) = (sender.clone(), std::sync::mpsc::channel());
        let mut watcher = notify::recommended_watcher(raw.0).map_err(io::Error::other)?;
        watcher.watch(&dir, notify::RecursiveMode::NonRecursive).map_err(io::Error::other)?;
        // One thread a watch: it ends within a second after its last listener is gone.
        std::thread::spawn(move || {
            let _keep = watcher;
            while !ended.is_closed() {
                match raw.1.recv_timeout(std::time::Duration::from_secs(1)) {
                    Ok(Ok(event)) => event_changes(&event).for_each(|c| drop(sender.send(c))),
                    Ok(Err(_)) => drop(sender.send(Change::Rescan)),
                    Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                    Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        Ok(receiver)
    }

    fn free_bytes(&self) -> u64 {
        200 << 30
    }

    fn power_cut(&self) {}

    fn root(&self) -> Option<PathBuf> {
        Some(self.root.clone())
    }
}

fn event_changes(event: &notify::Event) -> impl Iterator<Item = Change> + '_ {
    let read_only = matches!(event.kind, notify::EventKind::Access(a)
        if a != notify::event::AccessKind::Close(notify::event::AccessMode::Write));
    let paths = event.paths.iter().filter(move |_| !read_only);
    paths.filter_map(|p| p.file_name()).map(|n| Change::File(n.to_string_lossy().into_owned()))
}
