//! The processes of a lab by name. A caller that ends one records it here, so that one that ended by itself is noticed.

use super::child::Process;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub struct Processes {
    /// This program.
    exe: PathBuf,
    /// Folder of their output.
    log: PathBuf,
    table: Mutex<BTreeMap<String, Entry>>,
}

struct Entry {
    process: Process,
    /// Killed on purpose.
    cut: bool,
}

impl Processes {
    pub fn new(exe: &Path, log: PathBuf) -> Self {
        Self { exe: exe.into(), log, table: Mutex::default() }
    }

    pub fn exe(&self) -> &Path {
        &self.exe
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `podlift-lab ARGS…` under this name. One that was there is dropped, and with it its process.
    pub fn spawn(&self, name: &str, args: &[&str]) -> anyhow::Result<()> {
        self.spawn_other(name, &self.exe, args)
    }

    /// As `spawn`, of another program.
    pub fn spawn_other(&self, name: &str, exe: &Path, args: &[&str]) -> anyhow::Result<()> {
        let process = Process::spawn(name, exe, args, &self.log_of(name))?;
        self.table().insert(name.into(), Entry { process, cut: false });
        Ok(())
    }

    pub fn pid(&self, name: &str) -> Option<u32> {
        self.table().get(name)?.process.id()
    }

    /// SIGKILL, now. `gone` waits for its end.
    pub fn cut(&self, name: &str) {
        if let Some(entry) = self.table().get_mut(name) {
            entry.process.signal_kill();
            entry.cut = true;
        }
    }

    /// As `cut`; gone when this returns, its locks too.
    pub async fn gone(&self, name: &str) {
        let entry = self.table().remove(name);
        if let Some(entry) = entry {
            entry.process.kill().await;
        }
    }

    /// SIGTERM, and gone when this returns.
    pub async fn stop(&self, name: &str) {
        let entry = self.table().remove(name);
        if let Some(entry) = entry {
            entry.process.stop().await;
        }
    }

    pub async fn stop_all(&self) {
        let all = std::mem::take(&mut *self.table());
        for entry in all.into_values() {
            entry.process.stop().await;
        }
    }

    /// Drops them all, which ends them.
    pub fn clear(&self) {
        self.table().clear();
    }

    /// Runs `act` while the process stands still.
    pub fn frozen<T>(&self, name: &str, act: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let table = self.table();
        let entry = table.get(name).with_context(|| format!("{name} does not run"))?;
        let _still = entry.process.freeze();
        act()
    }

    /// A process that ended without an order.
    pub fn ended(&self) -> Option<(String, ExitStatus)> {
        let mut table = self.table();
        let mut alive = table.iter_mut().filter(|(_, e)| !e.cut);
        alive.find_map(|(name, e)| e.process.ended().map(|status| (name.clone(), status)))
    }

    fn log_of(&self, name: &str) -> PathBuf {
        self.log.join(format!("{name}.log"))
    }

    /// The last words of a process.
    pub fn tail(&self, name: &str) -> String {
        let text = podlift_common::durable::read_to_string(&self.log_of(name)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(15)..];
        format!("\n--- {name}\n{}", tail.join("\n"))
    }

    pub fn tails(&self) -> String {
        let names: Vec<String> = self.table().keys().cloned().collect();
        names.iter().map(|n| self.tail(n)).collect()
    }
}
