//! The coordinator gets SIGKILL while kubeadm upgrades a control plane.

use super::COORDINATOR;
use crate::configs::HEAD;
use crate::fleet::Fleet;
use crate::watch;
use anyhow::bail;

/// Once that step has begun.
pub async fn coordinator_killed(fleet: &Fleet, step: &str) -> anyhow::Result<String> {
    let started = watch::event(fleet, |e| e["event"] == "step-started" && e["step"] == step).await?;
    let head = fleet.machine(HEAD);
    let before = head.processes(COORDINATOR);
    let killed = head.kill_unit(COORDINATOR);
    if killed == 0 {
        bail!("the coordinator did not run when {step} began");
    }
    let ended = watch::events(fleet, |e| e["event"] == "op-ended" && e["step"] == step).await;
    watch::until("systemd starts the coordinator again", || async {
        let now = head.processes(COORDINATOR);
        Ok((!now.is_empty() && now != before).then_some(()))
    })
    .await?;
    if ended.is_ok_and(|all| !all.is_empty()) {
        bail!("{step} had ended when the coordinator was killed");
    }
    Ok(format!("the coordinator was killed within {step} (record {})", started["seq"]))
}
