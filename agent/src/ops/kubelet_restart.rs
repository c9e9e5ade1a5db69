//! daemon-reload and restart of the kubelet. That it is active says nothing of the node being Ready; the coordinator looks at that.

use super::{Applied, Cx, Op};
use crate::tools::systemctl;
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput};

pub struct KubeletRestart;

#[async_trait]
impl Op for KubeletRestart {
    /// Started since the op was accepted, by the restart or with the machine.
    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        if cx.accepted.boot != cx.node.boot {
            return Ok(Some(OpOutput::Changed("the machine was restarted, and the kubelet with it".into())));
        }
        let since = systemctl::kubelet_since(&cx.node.host).await;
        let done = since.is_some_and(|at| at > cx.accepted.since_boot);
        Ok(done.then(|| OpOutput::Changed("kubelet was restarted".into())))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        systemctl::restart_kubelet(&cx.node.host).await?;
        // A kubelet that dies of its configuration does so at once: look twice.
        let mut states = Vec::new();
        for _ in 0..2 {
            tokio::time::sleep(cx.node.config.ops.poll).await;
            states.push(systemctl::kubelet_state(&cx.node.host).await?);
        }
        match states.iter().all(|s| s == "active") {
            true => Ok(Applied::Done(OpOutput::Changed("kubelet restarted and active".into()))),
            false => {
                let message = format!(
                    "kubelet is {} after its restart; `journalctl -u kubelet` says why",
                    states.join(", then ")
                );
                Err(Failure::operator("kubelet-not-active", message))
            }
        }
    }
}
