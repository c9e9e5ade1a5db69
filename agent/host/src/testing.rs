//! Small fakes of the ports, and a recorded node's manifests, for the tests of the crates that use the ports.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a fake that can't go on should say so where it stands

mod devices;

pub use devices::{FakeDevices, FakeProcesses};

use crate::paths;
use crate::{
    Change, CommandError, Commands, FileKind, Files, Host, Http, HttpError, HttpTls, Invocation, Output,
    ReplaceError, Space, Stat, Watch, Writers, Writing,
};
use async_trait::async_trait;
use podlift_common::clock::TokioClock;
use podlift_model::Digest;
use podlift_model::op::Component;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Files in memory.
#[derive(Default)]
pub struct MemFiles {
    tree: Mutex<Tree>,
}

#[derive(Default)]
struct Tree {
    files: BTreeMap<PathBuf, (Stat, Vec<u8>)>,
    clock: u64,
    /// Written right before the comparison of the next compare-and-swap.
    before_swap: Option<(PathBuf, Vec<u8>)>,
    /// Appends fail after half of their bytes.
    full: bool,
    /// Number of writes, appends and removals that still succeed.
    left: Option<usize>,
    /// Locks that other processes hold.
    locks: BTreeMap<PathBuf, u32>,
    /// Files are replaced, but the call fails because the directory could not be synced.
    unsynced: bool,
}

impl MemFiles {
    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap()
    }
    pub fn put(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        self.tree().put(path.as_ref(), bytes);
    }
    pub fn text(&self, path: impl AsRef<Path>) -> String {
        String::from_utf8(self.read(path.as_ref()).unwrap()).unwrap()
    }
    /// Changes the stat of a file.
    pub fn restat(&self, path: impl AsRef<Path>, change: impl FnOnce(&mut Stat)) {
        let mut tree = self.tree();
        tree.clock += 1;
        let clock = tree.clock;
        let (stat, _) = tree.files.get_mut(path.as_ref()).unwrap();
        stat.ctime = clock.into();
        change(stat);
    }
    /// Another process writes right before the next compare-and-swap.
    pub fn race(&self, path: impl Into<PathBuf>, bytes: &[u8]) {
        let (path, bytes) = (path.into(), bytes.to_vec());
        self.tree().before_swap = Some((path, bytes));
    }
    /// After this number of changes every further one fails: the power is gone.
    pub fn fail_after(&self, changes: usize) {
        self.tree().left = Some(changes);
    }
    pub fn set_unsynced(&self, unsynced: bool) {
        self.tree().unsynced = unsynced;
    }
    pub fn works_again(&self) {
        self.tree().left = None;
    }
    /// Another process takes a lock on the file, or releases it.
    pub fn set_lock(&self, path: impl Into<PathBuf>, pid: Option<u32>) {
        let (mut tree, path) = (self.tree(), path.into());
        match pid {
            Some(pid) => drop(tree.locks.insert(path, pid)),
            None => drop(tree.locks.remove(&path)),
        }
    }
    pub fn set_full(&self, full: bool) {
        self.tree().full = full;
    }
}

impl Tree {
    fn put(&mut self, path: &Path, bytes: &[u8]) {
        self.clock += 1;
        let stat = Stat {
            kind: FileKind::Regular,
            inode: self.clock,
            ctime: self.clock.into(),
            mode: 0o600,
            uid: 0,
            links: 1,
            size: bytes.len() as u64,
        };
        self.files.insert(path.into(), (stat, bytes.to_vec()));
    }
    fn one_more(&mut self) -> io::Result<()> {
        match self.left.as_mut() {
            Some(0) => Err(io::Error::other("the power is gone")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
    fn get(&self, path: &Path) -> io::Result<&(Stat, Vec<u8>)> {
        self.files.get(path).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("{} is not there", path.display()))
        })
    }
}

impl Files for MemFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(self.tree().get(path)?.1.clone())
    }
    fn read_at(&self, path: &Path, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let tree = self.tree();
        let bytes = &tree.get(path)?.1;
        let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = begin.saturating_add(len).min(bytes.len());
        Ok(bytes[begin..end].to_vec())
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        Ok(self.tree().get(path)?.0.clone())
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let tree = self.tree();
        let first = |p: &PathBuf| {
            Some(p.strip_prefix(dir).ok()?.components().next()?.as_os_str().to_str()?.to_string())
        };
        let names: BTreeSet<String> = tree.files.keys().filter_map(first).collect();
        Ok(names.into_iter().collect())
    }
    fn write(&self, path: &Path, bytes: &[u8], _: u32) -> io::Result<()> {
        let mut tree = self.tree();
        tree.one_more()?;
        tree.put(path, bytes);
        if tree.unsynced { Err(io::Error::other("the directory can't be synced")) } else { Ok(()) }
    }
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut tree = self.tree();
        tree.one_more()?;
        let mut all = tree.get(path).map(|f| f.1.clone()).unwrap_or_default();
        let full = tree.full;
        all.extend_from_slice(if full { &bytes[..bytes.len() / 2] } else { bytes });
        tree.put(path, &all);
        if full { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut tree = self.tree();
        tree.one_more()?;
        tree.files.remove(path);
        Ok(())
    }
    fn remove_tree(&self, dir: &Path) -> io::Result<()> {
        let mut tree = self.tree();
        tree.one_more()?;
        tree.files.retain(|path, _| !path.starts_with(dir));
        Ok(())
    }
    fn replace(
        &self,
        target: &Path,
        bytes: &[u8],
        seen: &Stat,
        hash: &Digest,
        _: &Path,
    ) -> Result<(), ReplaceError> {
        let mut tree = self.tree();
        if let Some((path, bytes)) = tree.before_swap.take() {
            tree.put(&path, &bytes);
        }
        let (now, content) = tree.get(target).map_err(|_| ReplaceError::Changed)?;
        if now != seen || Digest::of(content) != *hash {
            return Err(ReplaceError::Changed);
        }
        tree.put(target, bytes);
        Ok(())
    }
    fn secure(&self, path: &Path, seen: &Stat, mode: u32, own: bool) -> Result<(), ReplaceError> {
        let mut tree = self.tree();
        tree.one_more()?;
        tree.clock += 1;
        let clock = tree.clock;
        let (stat, _) = tree.files.get_mut(path).filter(|f| f.0 == *seen).ok_or(ReplaceError::Changed)?;
        let uid = if own { 0 } else { stat.uid };
        *stat = Stat { mode, uid, ctime: clock.into(), ..stat.clone() };
        Ok(())
    }
    fn lock_holder(&self, path: &Path) -> io::Result<Option<u32>> {
        Ok(self.tree().locks.get(path).copied())
    }
    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(100 << 30)
    }
    fn space(&self, _: &Path) -> io::Result<Space> {
        let (free_bytes, capacity_bytes) = (100 << 30, 400 << 30);
        Ok(Space { device: 0, free_bytes, capacity_bytes, free_inodes: u64::MAX })
    }
}

type Answer = Box<dyn Fn(&Invocation) -> Result<Output, CommandError> + Send + Sync>;

/// Commands that answer as the test defines, and record the calls.
pub struct FakeCommands {
    answer: Answer,
    calls: Mutex<Vec<String>>,
}

impl FakeCommands {
    pub fn new(
        answer: impl Fn(&Invocation) -> Result<Output, CommandError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { answer: Box::new(answer), calls: Mutex::default() })
    }
    /// The answer to a call that is not recorded.
    pub fn answer(&self, call: &Invocation) -> Result<Output, CommandError> {
        (self.answer)(call)
    }
    /// Calls as `program arg arg`.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
    pub fn count(&self, start: &str) -> usize {
        self.calls().iter().filter(|c| c.starts_with(start)).count()
    }
}

#[async_trait]
impl Commands for FakeCommands {
    async fn run(&self, call: &Invocation) -> Result<Output, CommandError> {
        self.calls.lock().unwrap().push(line(call));
        (self.answer)(call)
    }
}

pub fn line(call: &Invocation) -> String {
    format!("{} {}", call.program, call.args.join(" "))
}

pub fn said(stdout: &str) -> Result<Output, CommandError> {
    Ok(Output { code: 0, stdout: stdout.into(), stderr: String::new() })
}

pub fn exited(code: i32, stderr: &str) -> Result<Output, CommandError> {
    Ok(Output { code, stdout: String::new(), stderr: stderr.into() })
}

/// An API server that answers every request with 200.
pub struct FakeHttp;

#[async_trait]
impl Http for FakeHttp {
    async fn get(&self, _: &str, _: &str, _: &HttpTls) -> Result<(u16, String), HttpError> {
        Ok((200, "ok".into()))
    }
}

/// Notices that the test sends.
#[derive(Default)]
pub struct FakeWatch {
    senders: Mutex<Vec<UnboundedSender<Change>>>,
    /// The kernel's answer about writers; `None` if it refuses.
    writers: Arc<Mutex<Option<Vec<Writing>>>>,
}

/// Answers with what the test stored.
struct FakeWriters(Arc<Mutex<Option<Vec<Writing>>>>);

impl Writers for FakeWriters {
    fn seen(&mut self) -> Vec<Writing> {
        self.0.lock().unwrap().replace(Vec::new()).unwrap_or_default()
    }
}

impl FakeWatch {
    pub fn tell(&self, change: Change) {
        self.senders.lock().unwrap().retain(|s| s.send(change.clone()).is_ok());
    }
    /// From now on the kernel identifies writers, and answers the next question with this.
    pub fn wrote(&self, writing: Vec<Writing>) {
        *self.writers.lock().unwrap() = Some(writing);
    }
    pub fn subscriptions(&self) -> usize {
        self.senders.lock().unwrap().len()
    }
}

impl Watch for FakeWatch {
    fn watch(&self, _: &Path) -> io::Result<UnboundedReceiver<Change>> {
        let (sender, receiver) = unbounded_channel();
        self.senders.lock().unwrap().push(sender);
        Ok(receiver)
    }
    fn writers(&self, _: &Path) -> io::Result<Box<dyn Writers>> {
        match self.writers.lock().unwrap().is_some() {
            true => Ok(Box::new(FakeWriters(self.writers.clone()))),
            false => {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, "fanotify: Operation not permitted"))
            }
        }
    }
}

/// A node in memory.
pub struct Fakes {
    pub files: Arc<MemFiles>,
    pub commands: Arc<FakeCommands>,
    pub watch: Arc<FakeWatch>,
    pub devices: Arc<FakeDevices>,
    pub processes: Arc<FakeProcesses>,
    pub host: Host,
}

pub const BOOT: &str = "boot-1";

impl Fakes {
    pub fn new(answer: impl Fn(&Invocation) -> Result<Output, CommandError> + Send + Sync + 'static) -> Self {
        let files = Arc::new(MemFiles::default());
        files.put(paths::MACHINE_ID, b"machine-1\n");
        files.put(paths::BOOT_ID, format!("{BOOT}\n").as_bytes());
        let (commands, watch) = (FakeCommands::new(answer), Arc::new(FakeWatch::default()));
        let (devices, processes) = (Arc::new(FakeDevices::default()), Arc::new(FakeProcesses::default()));
        let clock = Arc::new(TokioClock::starting_at("2026-11-22T00:00:00Z".parse().unwrap()));
        let host = Host {
            commands: commands.clone(),
            files: files.clone(),
            http: Arc::new(FakeHttp),
            watch: watch.clone(),
            clock,
            devices: devices.clone(),
            processes: processes.clone(),
        };
        Self { files, commands, watch, devices, processes, host }
    }

    /// The node with the manifests of a control-plane node.
    pub fn control_plane(self) -> Self {
        for component in Component::ALL {
            let text = match component {
                Component::KubeApiserver => LIVE_API,
                Component::KubeControllerManager => LIVE_KCM,
                Component::KubeScheduler => LIVE_SCHEDULER,
            };
            self.files.put(paths::manifest(*component), text.as_bytes());
        }
        self
    }
}

pub const LIVE_API: &str = include_str!("../../../tests/fixtures/manifests/v1.31.14/kube-apiserver.yaml");
pub const LIVE_KCM: &str =
    include_str!("../../../tests/fixtures/manifests/v1.31.14/kube-controller-manager.yaml");
pub const LIVE_SCHEDULER: &str =
    include_str!("../../../tests/fixtures/manifests/v1.31.14/kube-scheduler.yaml");
/// kubeadm's real output for a kubeadm-config without endpoints.
pub const EMPTY_API: &str =
    include_str!("../../../tests/fixtures/manifests/kube-apiserver.v1.32.13.empty-etcd-servers.yaml");
