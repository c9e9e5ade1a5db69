//! The agent is upgraded by its own package while an op's apt-get waits for the very lock that this upgrade holds.

use super::AGENT;
use super::lock_held::Holder;
use crate::fleet::Fleet;
use crate::{machine, product, watch};
use anyhow::{Context as _, bail};

const VERSION: &str = "0.1.1~lab";

/// From the beginning of `since` until `step` waits; then the new agent comes, and the op goes on.
pub async fn agent_upgraded(fleet: &Fleet, node: &str, since: &str, step: &str) -> anyhow::Result<String> {
    let dir = fleet.scratch.make_dir("shared/next")?;
    let exe = std::env::current_exe()?;
    let deb = product::pack(&exe, &dir, Some(VERSION)).await?.agent;
    let name = deb.file_name().context("a package has a name")?.to_string_lossy().into_owned();
    watch::event(fleet, |e| e["event"] == "step-started" && e["step"] == since).await?;
    let machine = fleet.machine(node);
    let before = machine.processes(AGENT);
    let holder = Holder::start(fleet, node, &format!("{}/next/{name}", machine::SHARED)).await?;
    let waited = holder.waited_for(fleet, step).await;
    let units = machine.running_ops();
    holder.release()?;
    waited?;
    let restarted = watch::until("the new agent runs", || async {
        let now = machine.processes(AGENT);
        Ok((!now.is_empty() && now != before).then_some(()))
    });
    restarted.await?;
    let installed = machine.run(&["dpkg-query", "-W", "-f=${Version}", "podlift-agent"]).await?;
    if installed != VERSION || units.is_empty() {
        bail!("{node}: agent {installed} beside {units:?}");
    }
    Ok(format!(
        "{node}: the agent was upgraded to {installed} by its package while {} waited",
        units.join(", ")
    ))
}
