//! The agent gets SIGKILL while dpkg unpacks the kubelet.

use super::AGENT;
use crate::fleet::Fleet;
use crate::{dpkg, watch};
use anyhow::bail;

/// Its op's unit has to run on.
pub async fn agent_killed(fleet: &Fleet, node: &str) -> anyhow::Result<String> {
    let machine = fleet.machine(node).clone();
    let log = dpkg::Log::of(&machine);
    let hit = watch::at_once(move || {
        let unpacking = log.unpacking("kubelet")?;
        let killed = machine.kill_unit(AGENT);
        let units = machine.running_ops();
        Some((killed, units, unpacking && log.unpacking("kubelet") == Some(true)))
    });
    let (killed, units, still) = hit.await?;
    if killed == 0 || units.is_empty() || !still {
        bail!("{node}: killed {killed} processes of the agent beside {units:?}; dpkg was unpacking: {still}");
    }
    let machine = fleet.machine(node);
    watch::until("the agent is started again", || async { Ok(machine.processes(AGENT).first().copied()) })
        .await?;
    Ok(format!("{node}: the agent was killed while dpkg unpacked the kubelet in {}", units.join(", ")))
}
