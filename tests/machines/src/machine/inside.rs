//! Commands in a machine, and the processes of its units as this machine sees them.

use super::Machine;
use crate::faults;
use crate::shell::{self, Ended};
use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

impl Machine {
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
        let services = [faults::AGENT, faults::COORDINATOR];
        let ops = units.into_iter().filter(|u| u.starts_with("podlift-") && u.ends_with(".service"));
        ops.filter(|u| !services.contains(&u.as_str()) && !self.processes(u).is_empty()).collect()
    }

    /// SIGKILL for a unit's processes, now. How many they were.
    pub fn kill_unit(&self, unit: &str) -> usize {
        let pids = self.processes(unit);
        pids.iter().for_each(|pid| {
            kill(Pid::from_raw(*pid), Signal::SIGKILL).ok();
        });
        pids.len()
    }
}
