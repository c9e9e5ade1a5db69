//! Power on and off.

use super::{Machine, Running, SHARED};
use crate::network;
use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

const BOOT: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

impl Machine {
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

/// nspawn's one child is the machine's init.
fn child_of(pid: Option<u32>) -> Option<i32> {
    let pid = pid?;
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    let child: i32 = text.split_whitespace().next()?.parse().ok()?;
    // Before it is init it is nspawn's own helper.
    let name = std::fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
    name.starts_with("systemd\n").then_some(child)
}
