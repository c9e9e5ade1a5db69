//! The control group of one machine: nspawn makes the machine's own groups below the one that it is started in, so each machine needs a
//! place of its own; and whatever is in it can be ended as a whole.

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};

/// In every hierarchy that systemd uses to tell processes apart.
#[derive(Debug, Clone)]
pub struct Cgroup {
    dirs: Vec<PathBuf>,
}

impl Cgroup {
    pub fn make(name: &str) -> anyhow::Result<Self> {
        let dirs: Vec<PathBuf> = hierarchies().into_iter().map(|h| h.join(name)).collect();
        if dirs.is_empty() {
            bail!("no control groups are mounted that systemd could use: machines can't be booted here");
        }
        for dir in &dirs {
            std::fs::create_dir_all(dir)
                .with_context(|| format!("{} can't be made: is it mounted read-only?", dir.display()))?;
        }
        Ok(Self { dirs })
    }

    /// Those that begin so, whatever made them.
    pub fn find(prefix: &str) -> Vec<Self> {
        let entries = hierarchies().into_iter().filter_map(|h| std::fs::read_dir(h).ok()).flatten().flatten();
        let ours = entries.filter(|e| e.file_name().to_string_lossy().starts_with(prefix));
        ours.map(|e| Self { dirs: vec![e.path()] }).collect()
    }

    /// argv in front of a program that is to run in it.
    pub fn enter(&self) -> Vec<String> {
        let script = "for d in $1; do echo $$ > $d/cgroup.procs || exit 125; done; shift; exec \"$@\"";
        let dirs: Vec<String> = self.dirs.iter().map(|d| d.display().to_string()).collect();
        ["sh", "-c", script, "sh", &dirs.join(" ")].map(String::from).into()
    }

    /// Processes of a unit of the machine, by their numbers on this machine.
    pub fn unit(&self, unit: &str) -> Vec<i32> {
        let below = format!("payload/system.slice/{unit}");
        self.dirs.first().map(|d| pids(&d.join(below))).unwrap_or_default()
    }

    /// Units that the machine has groups for.
    pub fn units(&self) -> Vec<String> {
        let slice = self.dirs.first().map(|d| d.join("payload/system.slice"));
        let entries = slice.and_then(|s| std::fs::read_dir(s).ok()).into_iter().flatten().flatten();
        entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
    }

    /// SIGKILL for everything in it. True: nothing was left.
    pub fn kill(&self) -> bool {
        let all: Vec<i32> = self.dirs.iter().flat_map(|d| tree(d)).flat_map(|d| pids(&d)).collect();
        all.iter().for_each(|pid| {
            kill(Pid::from_raw(*pid), Signal::SIGKILL).ok();
        });
        all.is_empty()
    }

    /// Only where nothing runs in it.
    pub fn remove(&self) {
        for dir in self.dirs.iter().flat_map(|d| tree(d)) {
            std::fs::remove_dir(dir).ok();
        }
    }
}

/// Mount points of cgroup v2 and of systemd's own hierarchy of v1.
fn hierarchies() -> Vec<PathBuf> {
    let text = std::fs::read_to_string("/proc/thread-self/mounts").unwrap_or_default();
    let mounts = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (_, at, kind, options) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let systemd = kind == "cgroup" && options.split(',').any(|o| o == "name=systemd");
        (kind == "cgroup2" || systemd).then(|| PathBuf::from(at))
    });
    // The first is where units are looked for.
    let mut all: Vec<PathBuf> = mounts.collect();
    all.sort();
    all
}

/// Leaves first.
fn tree(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let below = entries.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).flat_map(|e| tree(&e.path()));
    below.chain([dir.to_path_buf()]).collect()
}

fn pids(dir: &Path) -> Vec<i32> {
    let text = std::fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    // 0: a process of a namespace that is not ours to see.
    text.lines().filter_map(|l| l.parse().ok()).filter(|pid| *pid > 0).collect()
}
