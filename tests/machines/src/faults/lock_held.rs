//! Another apt-get holds dpkg's lock when packages are to be installed.

use crate::fleet::Fleet;
use crate::{machine, watch};
use std::path::PathBuf;

/// From the beginning of `since` until the waiting of `step` is to be seen in `podlift status`.
pub async fn lock_held(fleet: &Fleet, node: &str, since: &str, step: &str) -> anyhow::Result<String> {
    watch::event(fleet, |e| e["event"] == "step-started" && e["step"] == since).await?;
    let holder = Holder::start(fleet, node, "cri-tools").await?;
    let seen = holder.waited_for(fleet, step).await;
    holder.release()?;
    Ok(format!("{node}: {step} waited: {}", seen?))
}

/// An apt-get that has the lock and does not go on before it is told to.
pub struct Holder {
    node: String,
    gate: PathBuf,
}

impl Holder {
    pub async fn start(fleet: &Fleet, node: &str, what: &str) -> anyhow::Result<Self> {
        let gate = fleet.scratch.at(&format!("shared/hold-{node}"));
        std::fs::write(&gate, "")?;
        let inside = format!("{}/hold-{node}", machine::SHARED);
        let wait =
            format!("DPkg::Pre-Invoke::=touch {inside}-taken; while test -e {inside}; do sleep 0.1; done");
        let mut argv = vec!["systemd-run", "--quiet", "--unit=somebody-else.service"];
        argv.extend(["apt-get", "-y", "-o", &wait, "install", "--reinstall", what]);
        fleet.machine(node).run(&argv).await?;
        let taken = fleet.scratch.at(&format!("shared/hold-{node}-taken"));
        watch::until("another process has dpkg's lock", || async { Ok(taken.exists().then_some(())) })
            .await?;
        Ok(Self { node: node.into(), gate })
    }

    /// What `podlift status` says of the wait.
    pub async fn waited_for(&self, fleet: &Fleet, step: &str) -> anyhow::Result<String> {
        watch::until("the wait for dpkg's lock is to be seen", || async {
            let status = fleet.document(&["status"]).await?;
            let rows = status["nodes"].as_array().cloned().unwrap_or_default();
            let row = rows.iter().find(|r| r["name"] == self.node.as_str() && r["step"] == step);
            let reason = row.and_then(|r| r["reason"].as_str()).unwrap_or_default();
            Ok(reason.contains("lock").then(|| reason.to_string()))
        })
        .await
    }

    pub fn release(self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(&self.gate)?)
    }
}
