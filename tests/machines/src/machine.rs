//! One machine: an overlay booted by systemd-nspawn, commands in it, power off and on.

use crate::cgroup::Cgroup;
use crate::layer::{self, Layer};
use crate::network;
use crate::scratch::{PREFIX, Scratch};
use crate::shell::{self, Ended};
use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// Where the supervisor's folder is inside.
pub const SHARED: &str = "/run/podlift-lab";
const BOOT: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

pub struct Machine {
    /// Its host name.
    pub name: String,
    pub address: String,
    /// Unique on this machine.
    unique: String,
    layer: Layer,
    shared: PathBuf,
    console: PathBuf,
    /// More arguments of nspawn.
    extra: Vec<String>,
    cgroup: Cgroup,
    running: Mutex<Option<Running>>,
}

struct Running {
    nspawn: Child,
    init: i32,
}

impl Machine {
    /// Made, not booted.
    pub async fn new(
        scratch: &Scratch,
        name: &str,
        address: &str,
        below: Vec<PathBuf>,
        extra: &[&str],
    ) -> anyhow::Result<Self> {
        let layer = Layer::mount(scratch.at(&format!("machines/{name}")), below).await?;
        let root = layer.root();
        layer::write(&root.join("etc/hostname"), format!("{name}\n"), 0o644)?;
        let unit = root.join("etc/systemd/system/lab-network.service");
        layer::write(&unit, network::unit(address), 0o644)?;
        enable(&root, "sysinit.target", "lab-network.service")?;
        Ok(Self {
            name: name.into(),
            address: address.into(),
            unique: format!("{}-{name}", scratch.name().trim_start_matches(PREFIX)),
            shared: scratch.make_dir("shared")?,
            console: scratch.at(&format!("machines/{name}/console.log")),
            extra: extra.iter().map(ToString::to_string).collect(),
            cgroup: Cgroup::make(&format!("{}-{name}", scratch.name()))?,
            layer,
            running: Mutex::default(),
        })
    }

    pub fn root(&self) -> PathBuf {
        self.layer.root()
    }

    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    /// A file of it by its path inside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root().join(inside.trim_start_matches('/'))
    }

    pub fn write(&self, inside: &str, text: impl AsRef<[u8]>, mode: u32) -> anyhow::Result<()> {
        layer::write(&self.path(inside), text, mode)
    }

    /// Empty where there is none.
    pub fn text(&self, inside: &str) -> String {
        let bytes = std::fs::read(self.path(inside)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine's init by its number on this machine.
    pub fn init(&self) -> Option<i32> {
        self.running().as_ref().map(|r| r.init)
    }

    /// Power on; returns when its init says that everything is up.
    pub async fn boot(&self) -> anyhow::Result<()> {
        let mut nspawn = self.nspawn()?;
        let since = Instant::now();
        let init = loop {
            if let Some(init) = child_of(nspawn.id()) {
                break init;
            }
            if nspawn.try_wait()?.is_some() || since.elapsed() > BOOT {
                bail!("{} did not boot\n{}", self.name, self.console_tail());
            }
            tokio::time::sleep(LOOK).await;
        };
        *self.running() = Some(Running { nspawn, init });
        self.settled(since).await
    }

    fn nspawn(&self) -> anyhow::Result<Child> {
        let log = File::options().create(true).append(true).open(&self.console)?;
        let mut argv = self.cgroup.enter();
        argv.extend(
            ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--resolv-conf=off"]
                .map(String::from),
        );
        argv.extend(["--timezone=off", "--link-journal=no"].map(String::from));
        argv.push(format!("--machine={}", self.unique));
        argv.push(format!("--hostname={}", self.name));
        argv.push(format!("--directory={}", self.root().display()));
        argv.push(format!("--network-bridge={}", network::BRIDGE));
        argv.push(format!("--bind={}:{SHARED}", self.shared.display()));
        argv.extend(self.extra.iter().cloned());
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).process_group(0);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.spawn().context("systemd-nspawn could not be started")
    }

    async fn settled(&self, since: Instant) -> anyhow::Result<()> {
        while since.elapsed() < BOOT {
            let state = self.ended(&["systemctl", "is-system-running"]).await?;
            match state.stdout.trim() {
                "running" => return Ok(()),
                "degraded" => {
                    let failed = self.run(&["systemctl", "--failed", "--no-legend", "--plain"]).await?;
                    anstream::eprintln!("machines: {} is up, but: {}", self.name, failed.trim());
                    return Ok(());
                }
                _ => tokio::time::sleep(LOOK).await,
            }
        }
        bail!("{} did not come up within {} s\n{}", self.name, BOOT.as_secs(), self.console_tail())
    }

    fn console_tail(&self) -> String {
        let bytes = std::fs::read(&self.console).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    /// argv in front of a command that is to run inside.
    pub fn inside(&self) -> anyhow::Result<Vec<String>> {
        let init = self.init().with_context(|| format!("{} is off", self.name))?.to_string();
        let words = ["nsenter", "-t", &init, "-m", "-u", "-i", "-n", "-p", "-C", "--", "env", "-i"];
        let env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "TERM=dumb"];
        Ok(words.into_iter().chain(env).map(String::from).collect())
    }

    /// A command inside, to any end.
    pub async fn ended(&self, argv: &[&str]) -> anyhow::Result<Ended> {
        let mut all = self.inside()?;
        all.extend(argv.iter().map(ToString::to_string));
        shell::ended(&all).await
    }

    /// A command inside that has to end well; its stdout.
    pub async fn run(&self, argv: &[&str]) -> anyhow::Result<String> {
        let ended = self.ended(argv).await?;
        match ended.success() {
            true => Ok(ended.stdout),
            false => {
                let line = argv.join(" ");
                bail!("{}: `{line}` exited {}\n{}{}", self.name, ended.code, ended.stdout, ended.stderr)
            }
        }
    }

    /// Processes of a unit, by their numbers on this machine.
    pub fn processes(&self, unit: &str) -> Vec<i32> {
        self.cgroup.unit(unit)
    }

    /// Op units of podlift that run now.
    pub fn running_ops(&self) -> Vec<String> {
        let units = self.cgroup.units();
        let services = [crate::faults::AGENT, crate::faults::COORDINATOR];
        let ops = units.into_iter().filter(|u| u.starts_with("podlift-") && u.ends_with(".service"));
        ops.filter(|u| !services.contains(&u.as_str()) && !self.processes(u).is_empty()).collect()
    }

    /// Its name among all machines of this machine.
    pub fn unique(&self) -> &str {
        &self.unique
    }

    /// SIGKILL for a unit's processes, now. How many they were.
    pub fn kill_unit(&self, unit: &str) -> usize {
        let pids = self.processes(unit);
        pids.iter().for_each(|pid| {
            kill(Pid::from_raw(*pid), Signal::SIGKILL).ok();
        });
        pids.len()
    }

    /// The power goes, now: init gets SIGKILL, and with it everything. Returns at once.
    pub fn cut(&self) {
        if let Some(init) = self.init() {
            kill(Pid::from_raw(init), Signal::SIGKILL).ok();
        }
    }

    /// The power goes, and nothing of it runs any more when this returns.
    pub async fn power_off(&self) {
        self.cut();
        let running = self.running().take();
        if let Some(mut running) = running {
            running.nspawn.wait().await.ok();
        }
    }
}

/// As `systemctl enable` would do it in a tree that is not booted.
pub fn enable(root: &Path, target: &str, unit: &str) -> anyhow::Result<()> {
    let wants = root.join("etc/systemd/system").join(format!("{target}.wants"));
    std::fs::create_dir_all(&wants)?;
    let link = wants.join(unit);
    std::fs::remove_file(&link).ok();
    let at = format!("/etc/systemd/system/{unit}");
    std::os::unix::fs::symlink(at, &link).with_context(|| link.display().to_string())
}

/// nspawn's one child is the machine's init.
fn child_of(pid: Option<u32>) -> Option<i32> {
    let pid = pid?;
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    let child: i32 = text.split_whitespace().next()?.parse().ok()?;
    // Before it is init it is nspawn's own helper.
    let name = std::fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
    name.starts_with("systemd\n").then_some(child)
}
