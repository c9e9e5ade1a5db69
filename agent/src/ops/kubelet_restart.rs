//! daemon-reload and restart of the kubelet, with one comparison of the new process with the files of its next start. An active kubelet
//! does not mean that the node is Ready; the coordinator checks that.

use super::{Applied, Cx, Op};
use crate::interlock;
use crate::node::Node;
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput};
use podlift_tools::survey::{self, Drift};
use podlift_tools::systemctl;

pub struct KubeletRestart;

#[async_trait]
impl Op for KubeletRestart {
    /// Done if the kubelet started after the op was accepted, by the restart or with the machine.
    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        if cx.accepted.boot != cx.node.boot {
            return Ok(Some(OpOutput::Changed("the machine was restarted, and the kubelet with it".into())));
        }
        let since = systemctl::kubelet_since(&cx.node.host).await;
        if since.is_none_or(|at| at <= cx.accepted.since_boot) {
            return Ok(None);
        }
        started_as_said(&[], &drift(cx.node).await)?;
        Ok(Some(OpOutput::Changed("kubelet was restarted".into())))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let before = drift(cx.node).await;
        interlock::clear(cx, |_| ()).await?;
        systemctl::restart_kubelet(&cx.node.host).await?;
        stays_active(cx.node).await?;
        started_as_said(&before, &drift(cx.node).await)?;
        Ok(Applied::Done(OpOutput::Changed("kubelet restarted and active".into())))
    }
}

/// A kubelet that fails on its configuration exits at once, so this looks twice.
async fn stays_active(node: &Node) -> Result<(), Failure> {
    let mut states = Vec::new();
    for _ in 0..2 {
        tokio::time::sleep(node.config.ops.poll).await;
        states.push(systemctl::kubelet_state(&node.host).await?);
    }
    if states.iter().all(|state| state == "active") {
        return Ok(());
    }
    let message =
        format!("kubelet is {} after its restart; `journalctl -u kubelet` says why", states.join(", then "));
    Err(Failure::operator("kubelet-not-active", message))
}

/// Empty if one side can't be known, for example because a shell starts the kubelet. The plan has reported that.
async fn drift(node: &Node) -> Vec<Drift> {
    survey::kubelet_drift(node.surveyed()).await.unwrap_or_else(|why| {
        tracing::info!(why, "the kubelet's flags can't be compared with the files of its next start");
        Vec::new()
    })
}

/// Fails on differences that are new since the restart. An old one is a finding of the plan and would remain after every further attempt,
/// for example a specifier of systemd, which is not resolved here.
fn started_as_said(before: &[Drift], after: &[Drift]) -> Result<(), Failure> {
    let new: Vec<String> =
        after.iter().filter(|drift| !before.contains(drift)).map(ToString::to_string).collect();
    if new.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the kubelet was restarted and is active, and its flags are not those of its files: {}; `systemctl cat kubelet` and `systemctl show-environment` show who says otherwise; put it right, then retry",
        new.join("; ")
    );
    Err(Failure::operator("kubelet-flags", message))
}
