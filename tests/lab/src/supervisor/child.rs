//! Child processes: each in a process group of its own, with its output in a file, ended with its group when it is dropped. A child that
//! loses its supervisor (even to SIGKILL) sees its stdin end and goes, too.
#![allow(clippy::disallowed_methods)] // this is an edge: it spawns

use anyhow::Context as _;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

const GRACE: Duration = Duration::from_secs(3);
/// As the product's units have it (deploy/systemd).
const ENVIRONMENT: [(&str, &str); 2] = [("MALLOC_ARENA_MAX", "1"), ("MALLOC_TRIM_THRESHOLD_", "1048576")];
/// Says to a child that its stdin is its supervisor's hand.
pub const HELD: &str = "PODLIFT_LAB_HELD";

pub struct Process {
    child: Child,
    group: Pid,
}

/// This program again, as `podlift-lab ARGS…`.
pub fn again(exe: &Path, args: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(exe);
    command.args(args).process_group(0).kill_on_drop(true);
    command
}

impl Process {
    pub fn spawn(name: &str, exe: &Path, args: &[impl AsRef<OsStr>], log: &Path) -> anyhow::Result<Self> {
        let file =
            File::options().create(true).append(true).open(log).with_context(|| log.display().to_string())?;
        let mut command = again(exe, args);
        command.env_clear().env(HELD, "1").env("PATH", "/usr/bin:/bin");
        command.envs(ENVIRONMENT);
        command.stdin(Stdio::piped()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("{name} could not be started"))?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).context("a process that ended at once")?;
        Ok(Self { child, group: Pid::from_raw(id) })
    }

    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// None while it runs.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    pub fn signal_kill(&self) {
        killpg(self.group, Signal::SIGKILL).ok();
    }

    /// SIGKILL, and gone when this returns: its locks too.
    pub async fn kill(mut self) {
        self.signal_kill();
        self.child.wait().await.ok();
    }

    /// Stands still until the guard is dropped.
    pub fn freeze(&self) -> Frozen {
        killpg(self.group, Signal::SIGSTOP).ok();
        Frozen(self.group)
    }

    pub async fn stop(mut self) {
        killpg(self.group, Signal::SIGTERM).ok();
        tokio::time::timeout(GRACE, self.child.wait()).await.ok();
    }
}

pub struct Frozen(Pid);

impl Drop for Frozen {
    fn drop(&mut self) {
        killpg(self.0, Signal::SIGCONT).ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The group may outlive its first process.
        killpg(self.group, Signal::SIGKILL).ok();
    }
}

/// In a child: ends the process when the supervisor's hand is gone.
pub fn follow_supervisor() {
    if std::env::var(HELD).is_err() {
        return;
    }
    std::thread::spawn(|| {
        std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()).ok();
        std::process::exit(1);
    });
}
