//! The folder of a fleet, and the process that takes everything away when its owner ends, however that ends: a process that waits for the end of
//! its stdin, in a session of its own.

use crate::clean;
use anyhow::Context as _;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub const PREFIX: &str = "podlift-machines-";
pub const LOCK: &str = "owner.lock";

pub struct Scratch {
    path: PathBuf,
    /// Held while the owner lives.
    _lock: File,
    reaper: Child,
}

impl Scratch {
    /// `reaper` is the program that has `clean::until_alone` as its `reap`. What killed ones left is taken away first.
    pub fn new(reaper: &Path) -> anyhow::Result<Self> {
        let base = base();
        clean::sweep(&base);
        let dir: TempDir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&base)?;
        let lock = File::create(dir.path().join(LOCK))?;
        lock.lock()?;
        let mut command = Command::new(reaper);
        command.arg("reap").arg(dir.path()).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let reaper = command.spawn().with_context(|| format!("{} could not be started", reaper.display()))?;
        Ok(Self { path: dir.keep(), _lock: lock, reaper })
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.path.join(path)
    }

    /// Unique on this machine.
    pub fn name(&self) -> String {
        self.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }

    pub fn make_dir(&self, path: &str) -> anyhow::Result<PathBuf> {
        let path = self.at(path);
        std::fs::create_dir_all(&path).with_context(|| format!("{} can't be made", path.display()))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.reaper.stdin.take());
        self.reaper.wait().ok();
    }
}

/// On a disk where an overlay can be.
pub fn base() -> PathBuf {
    let base = Path::new("/var/tmp");
    if base.is_dir() { base.to_path_buf() } else { std::env::temp_dir() }
}
