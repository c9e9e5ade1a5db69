//! The agent is upgraded by its own package while kubeadm upgrades its node. (While an op's apt-get runs, no package can be installed.)

use super::AGENT;
use crate::fleet::Fleet;
use crate::{machine, product, watch};
use anyhow::{Context as _, bail};
use podlift_lab::{Fault, FaultAction};
use std::time::Duration;

const VERSION: &str = "0.1.1~lab";
/// kubeadm takes so much longer there, in lab time: dpkg has to be faster.
const SLOW: Duration = Duration::from_secs(150);

pub struct AgentUpgraded {
    node: &'static str,
    /// Inside.
    deb: String,
}

impl AgentUpgraded {
    /// Builds the next package; before the run, for that takes a while.
    pub async fn arm(fleet: &Fleet, node: &'static str) -> anyhow::Result<Self> {
        let (exe, dir) = (std::env::current_exe()?, fleet.scratch.make_dir("shared/next")?);
        let deb = product::pack(&exe, &dir, Some(VERSION)).await?.agent;
        let name = deb.file_name().context("a package has a name")?.to_string_lossy().into_owned();
        fleet.world().add_fault(Fault::new("kubeadm", "upgrade node", FaultAction::Delay(SLOW)).on(node));
        Ok(Self { node, deb: format!("{}/next/{name}", machine::SHARED) })
    }

    /// As soon as the unit of `step` runs: it runs on under the new agent.
    pub async fn during(&self, fleet: &Fleet, step: &str) -> anyhow::Result<String> {
        watch::event(fleet, |e| e["event"] == "step-started" && e["step"] == step).await?;
        let (node, machine) = (self.node, fleet.machine(self.node));
        let unit = watch::until("the op's unit runs", || async { Ok(machine.running_ops().pop()) }).await?;
        let before = machine.processes(AGENT);
        machine.run(&["dpkg", "-i", &self.deb]).await?;
        let (now, units) = (machine.processes(AGENT), machine.running_ops());
        let installed = machine.run(&["dpkg-query", "-W", "-f=${Version}", "podlift-agent"]).await?;
        if now.is_empty() || now == before || installed != VERSION || !units.contains(&unit) {
            bail!(
                "{node}: agent {installed}, processes {before:?} then {now:?}; {unit} was running, then {units:?}"
            );
        }
        Ok(format!("{node}: the agent was upgraded to {installed} by its package, and {unit} ran on"))
    }
}
