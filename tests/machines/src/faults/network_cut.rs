//! A machine's cable is out for a minute, from the moment when dpkg begins with the kubelet.

use crate::fleet::Fleet;
use crate::{dpkg, network, watch};
use anyhow::bail;
use std::time::{Duration, Instant};

const AWAY: Duration = Duration::from_secs(60);

/// The agent finishes what it accepted; the outcome of `step` comes when the cable is in again.
pub async fn network_cut(fleet: &Fleet, node: &str, step: &str) -> anyhow::Result<String> {
    let machine = fleet.machine(node);
    let log = dpkg::Log::of(machine);
    watch::at_once(move || log.unpacking("kubelet")).await?;
    network::cable(machine.unique(), false).await?;
    let since = Instant::now();
    let log = dpkg::Log::of(machine);
    watch::until("dpkg ends without a network", || async { Ok(log.installed("kubectl").then_some(())) })
        .await?;
    watch::until("the unit ends without a network", || async {
        Ok(machine.running_ops().is_empty().then_some(()))
    })
    .await?;
    let finished = since.elapsed();
    watch::until("the coordinator misses the agent", || async {
        let status = fleet.document(&["status"]).await?;
        let rows = status["nodes"].as_array().cloned().unwrap_or_default();
        Ok(rows.iter().any(|r| r["name"] == node && r["connected"] == false).then_some(()))
    })
    .await?;
    // The fault is a minute by definition.
    tokio::time::sleep(AWAY.saturating_sub(since.elapsed())).await;
    let early = watch::events(fleet, |e| e["event"] == "op-ended" && e["step"] == step).await?;
    network::cable(machine.unique(), true).await?;
    if !early.is_empty() {
        bail!("{step} was known to have ended while {node} was away: {early:?}");
    }
    let outcome = watch::event(fleet, |e| e["event"] == "op-ended" && e["step"] == step).await?;
    if outcome["outcome"]["result"] != "done" {
        bail!("{step} ended otherwise than done: {outcome}");
    }
    Ok(format!(
        "{node}: away for {} s; dpkg ended after {:.1} s of them, and the outcome came afterwards",
        AWAY.as_secs(),
        finished.as_secs_f64()
    ))
}
