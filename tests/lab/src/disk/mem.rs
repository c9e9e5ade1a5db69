//! A disk in memory. Each change is visible at once and safe after `COMMIT` (ext4's journal interval) or when it was synced; a power
//! cut puts back what was safe. It must never lose what was synced and never keep what was not.

use super::{Disk, not_found};
use podlift_agent::host::{Change, FileKind, Stat};
use podlift_common::clock::Clock;
use podlift_model::Digest;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const COMMIT: Duration = Duration::from_secs(5);
const CAPACITY: u64 = 200 << 30;

#[derive(Debug, Clone)]
struct Entry {
    dir: bool,
    inode: u64,
    ctime: i128,
    mode: u32,
    data: Arc<Vec<u8>>,
}

#[derive(Default)]
struct Tree {
    entries: BTreeMap<PathBuf, Entry>,
    /// What a power cut would put back, and since when it would.
    unsafe_since: BTreeMap<PathBuf, (Duration, Option<Entry>)>,
    watches: Vec<(PathBuf, UnboundedSender<Change>)>,
    last_inode: u64,
    last_ctime: i128,
    free: Option<u64>,
}

pub struct MemDisk {
    tree: Mutex<Tree>,
    clock: Arc<dyn Clock>,
}

impl MemDisk {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { tree: Mutex::default(), clock }
    }

    /// Pretends that only so much is left; None goes back to normal.
    pub fn set_free(&self, bytes: Option<u64>) {
        self.lock().free = bytes;
    }

    fn lock(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self, path: &Path, data: Vec<u8>, mode: u32, sync: bool) -> io::Result<()> {
        let mut tree = self.lock();
        if tree.entries.get(path).is_some_and(|e| e.dir) {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                format!("{} is a directory", path.display()),
            ));
        }
        tree.parents(path, self.clock.since_boot());
        let kept = tree.entries.get(path).filter(|_| !sync).map(|e| (e.inode, e.mode));
        let entry = tree.fresh(data, kept.map_or(mode, |k| k.1), kept.map(|k| k.0), self.clock.now());
        tree.set(path, Some(entry), self.clock.since_boot(), sync);
        tree.notify(path);
        Ok(())
    }
}

impl Tree {
    fn fresh(&mut self, data: Vec<u8>, mode: u32, inode: Option<u64>, now: jiff::Timestamp) -> Entry {
        self.last_inode += 1;
        self.last_ctime = now.as_nanosecond().max(self.last_ctime + 1);
        let inode = inode.unwrap_or(self.last_inode);
        Entry { dir: false, inode, ctime: self.last_ctime, mode, data: Arc::new(data) }
    }

    fn set(&mut self, path: &Path, entry: Option<Entry>, now: Duration, sync: bool) {
        let before = match &entry {
            Some(e) => self.entries.insert(path.into(), e.clone()),
            None => self.entries.remove(path),
        };
        if sync {
            self.unsafe_since.remove(path);
        } else {
            let stale =
                self.unsafe_since.get(path).is_none_or(|(since, _)| now.saturating_sub(*since) >= COMMIT);
            if stale {
                self.unsafe_since.insert(path.into(), (now, before));
            }
        }
    }

    fn parents(&mut self, path: &Path, now: Duration) {
        let dirs: Vec<PathBuf> = path.ancestors().skip(1).map(Path::to_path_buf).collect();
        for dir in dirs {
            if !self.entries.contains_key(&dir) {
                self.last_inode += 1;
                let entry =
                    Entry { dir: true, inode: self.last_inode, ctime: 0, mode: 0o755, data: Arc::default() };
                self.set(&dir, Some(entry), now, true);
            }
        }
    }

    fn notify(&mut self, path: &Path) {
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return };
        let change = Change::File(name.to_string_lossy().into_owned());
        self.watches.retain(|(watched, sender)| watched != dir || sender.send(change.clone()).is_ok());
    }
}

impl Disk for MemDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let tree = self.lock();
        let entry = tree.entries.get(path).filter(|e| !e.dir).ok_or_else(|| not_found(path))?;
        Ok(entry.data.to_vec())
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let tree = self.lock();
        let e = tree.entries.get(path).ok_or_else(|| not_found(path))?;
        let kind = if e.dir { FileKind::Directory } else { FileKind::Regular };
        let links = if e.dir { 2 } else { 1 };
        Ok(Stat {
            kind,
            inode: e.inode,
            ctime: e.ctime,
            mode: e.mode,
            uid: 0,
            links,
            size: e.data.len() as u64,
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let tree = self.lock();
        tree.entries.get(dir).filter(|e| e.dir).ok_or_else(|| not_found(dir))?;
        let inside = tree.entries.range(dir.to_path_buf()..).take_while(|(p, _)| p.starts_with(dir));
        let direct = inside.filter(|(p, _)| p.parent() == Some(dir));
        Ok(direct.filter_map(|(p, _)| p.file_name()).map(|n| n.to_string_lossy().into_owned()).collect())
    }

    fn put(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.store(path, bytes.to_vec(), mode, false)
    }

    fn put_synced(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.store(path, bytes.to_vec(), mode, true)
    }

    fn append(&self, path: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
        let mut tree = self.lock();
        let ctime = self.clock.now().as_nanosecond().max(tree.last_ctime + 1);
        if let Some(entry) = tree.entries.get_mut(path).filter(|e| !e.dir && sync) {
            // A ledger grows by lines: not copied as a whole for each.
            Arc::make_mut(&mut entry.data).extend_from_slice(bytes);
            entry.ctime = ctime;
            tree.last_ctime = ctime;
            tree.unsafe_since.remove(path);
            tree.notify(path);
            return Ok(());
        }
        drop(tree);
        let mut all = self.read(path).unwrap_or_default();
        all.extend_from_slice(bytes);
        self.store(path, all, 0o600, sync)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let now = self.clock.since_boot();
        let mut tree = self.lock();
        let mut entry = tree.entries.get(from).cloned().ok_or_else(|| not_found(from))?;
        tree.parents(to, now);
        tree.last_ctime = self.clock.now().as_nanosecond().max(tree.last_ctime + 1);
        entry.ctime = tree.last_ctime;
        tree.set(from, None, now, false);
        tree.set(to, Some(entry), now, false);
        tree.notify(from);
        tree.notify(to);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let now = self.clock.since_boot();
        let mut tree = self.lock();
        let below: Vec<PathBuf> = tree.entries.keys().filter(|p| p.starts_with(path)).cloned().collect();
        if below.is_empty() {
            return Err(not_found(path));
        }
        for path in below {
            tree.set(&path, None, now, true);
        }
        tree.notify(path);
        Ok(())
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.lock().parents(&path.join("x"), self.clock.since_boot());
        Ok(())
    }

    fn swap(&self, target: &Path, bytes: &[u8], seen: &Stat, hash: &Digest) -> io::Result<bool> {
        let now = self.stat(target)?;
        if (now.inode, now.ctime) != (seen.inode, seen.ctime) || Digest::of(self.read(target)?) != *hash {
            return Ok(false);
        }
        self.store(target, bytes.to_vec(), now.mode, true)?;
        Ok(true)
    }

    fn watch(&self, dir: &Path) -> io::Result<UnboundedReceiver<Change>> {
        let mut tree = self.lock();
        tree.entries.get(dir).filter(|e| e.dir).ok_or_else(|| not_found(dir))?;
        let (sender, receiver) = unbounded_channel();
        tree.watches.push((dir.into(), sender));
        Ok(receiver)
    }

    fn free_bytes(&self) -> u64 {
        self.lock().free.unwrap_or(CAPACITY)
    }

    fn power_cut(&self) {
        let now = self.clock.since_boot();
        let mut tree = self.lock();
        for (path, (since, before)) in std::mem::take(&mut tree.unsafe_since) {
            if now.saturating_sub(since) >= COMMIT {
                continue;
            }
            match before {
                Some(entry) => drop(tree.entries.insert(path, entry)),
                None => drop(tree.entries.remove(&path)),
            }
        }
        tree.watches.clear();
    }

    fn root(&self) -> Option<PathBuf> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_common::clock::TokioClock;

    #[tokio::test(start_paused = true)]
    async fn a_power_cut_loses_what_was_not_synced() {
        let disk = MemDisk::new(Arc::new(TokioClock::starting_at(jiff::Timestamp::UNIX_EPOCH)));
        let (a, b) = (Path::new("/d/a"), Path::new("/d/b"));
        disk.put_synced(a, b"old", 0o600).unwrap();
        disk.put(a, b"new", 0o600).unwrap();
        disk.put(b, b"b", 0o600).unwrap();
        disk.power_cut();
        assert_eq!(disk.read(a).unwrap(), b"old");
        assert!(disk.read(b).is_err());
        disk.put(a, b"new", 0o600).unwrap();
        tokio::time::sleep(COMMIT).await;
        disk.power_cut();
        assert_eq!(disk.read(a).unwrap(), b"new");
    }

    #[tokio::test(start_paused = true)]
    async fn renames_notify_and_swaps_compare() {
        let disk = MemDisk::new(Arc::new(TokioClock::starting_at(jiff::Timestamp::UNIX_EPOCH)));
        let (a, b) = (Path::new("/d/a"), Path::new("/e/b"));
        disk.put_synced(a, b"one", 0o600).unwrap();
        let mut changes = disk.watch(Path::new("/d")).unwrap();
        let (seen, hash) = (disk.stat(a).unwrap(), Digest::of("one"));
        disk.rename(a, b).unwrap();
        assert_eq!(changes.recv().await, Some(Change::File("a".into())));
        disk.rename(b, a).unwrap();
        assert!(!disk.swap(a, b"two", &seen, &hash).unwrap(), "the change time is another");
        assert!(disk.swap(a, b"two", &disk.stat(a).unwrap(), &hash).unwrap());
        assert_eq!(disk.list(Path::new("/d")).unwrap(), ["a"]);
    }
}
