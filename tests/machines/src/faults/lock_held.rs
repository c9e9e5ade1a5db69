//! Another apt-get holds dpkg's lock when packages are to be installed.

use crate::fleet::Fleet;
use crate::{machine, watch};

/// From the beginning of `step` until the waiting is to be seen in `podlift status`.
pub async fn lock_held(fleet: &Fleet, node: &str, since: &str, step: &str) -> anyhow::Result<String> {
    watch::event(fleet, |e| e["event"] == "step-started" && e["step"] == since).await?;
    let machine = fleet.machine(node);
    let gate = fleet.scratch.at(&format!("shared/hold-{node}"));
    std::fs::write(&gate, "")?;
    let wait =
        format!("DPkg::Pre-Invoke::=while test -e {}/hold-{node}; do sleep 0.1; done", machine::SHARED);
    let apt = ["apt-get", "-y", "-o", &wait, "install", "--reinstall", "--allow-change-held-packages"];
    let mut argv = vec!["systemd-run", "--quiet", "--unit=somebody-else.service"];
    argv.extend(apt);
    argv.push("cri-tools");
    machine.run(&argv).await?;
    let seen = watch::until("the wait for dpkg's lock is to be seen", || async {
        let status = fleet.document(&["status"]).await?;
        let rows = status["nodes"].as_array().cloned().unwrap_or_default();
        let row = rows.iter().find(|r| r["name"] == node && r["step"] == step);
        let reason = row.and_then(|r| r["reason"].as_str()).unwrap_or_default();
        Ok(reason.contains("lock").then(|| reason.to_string()))
    })
    .await;
    std::fs::remove_file(&gate)?;
    Ok(format!("{node}: {step} waited: {}", seen?))
}
