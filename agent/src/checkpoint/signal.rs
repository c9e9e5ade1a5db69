//! A hook that is a signal to the first process of a container.
//!
//! The agent sends it from the node, with the process's number there, because many images have no `kill`. Nothing tells when the program
//! has saved its work: the agent waits for the whole grace, or until the process has ended. A program without a handler for the signal
//! would ignore it or end by it, so nothing is sent then.

use crate::ops::Cx;
use podlift_model::checkpoint::{CheckpointEnd, CheckpointSignal};
use podlift_tools::crictl::{self, RunningContainer};
use podlift_tools::{process, whole};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Sends the signal and waits. The error says why nothing was sent.
pub(super) async fn send(
    cx: &Cx<'_>,
    container: &RunningContainer,
    signal: CheckpointSignal,
    limit: Duration,
) -> Result<CheckpointEnd, String> {
    let host = &cx.node.host;
    let seen = crictl::inspect(host, &container.id).await.map_err(whole)?;
    let pid = seen.pid.ok_or_else(|| {
        format!("the container runtime gives no process of its container {}", container.name)
    })?;
    // Opened before the look: if the number belongs to another process afterwards, the signal reaches none.
    let opened = host.processes.open(pid);
    let opened = opened.map_err(|e| format!("process {pid} of its container {}: {e}", container.name))?;
    check(cx, container, pid, signal)?;
    opened
        .send(signal)
        .map_err(|e| format!("{signal} to process {pid} of its container {}: {e}", container.name))?;
    let ended = gone(cx, container, pid, Instant::now() + limit).await;
    Ok(CheckpointEnd::Signalled { signal, ended })
}

/// Whether the process is the container's and handles the signal.
fn check(
    cx: &Cx<'_>,
    container: &RunningContainer,
    pid: u32,
    signal: CheckpointSignal,
) -> Result<(), String> {
    let files = cx.node.host.files.as_ref();
    let name = &container.name;
    if !process::is_of_container(files, pid, &container.id) {
        return Err(format!("process {pid} of its container {name} has ended"));
    }
    match process::catches(files, pid, signal) {
        Some(true) => Ok(()),
        Some(false) => Err(format!(
            "the first process of its container {name} has no handler for {signal}, and nothing was sent; let the container start the program itself (a shell with `exec`), or name a command instead"
        )),
        None => {
            Err(format!("/proc/{pid}/status of its container {name} can't be read, and nothing was sent"))
        }
    }
}

/// Whether the process ended before its time was over.
async fn gone(cx: &Cx<'_>, container: &RunningContainer, pid: u32, until: Instant) -> bool {
    let files = cx.node.host.files.as_ref();
    loop {
        if !process::is_of_container(files, pid, &container.id) {
            return true;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        sleep(left.min(cx.node.config.ops.poll)).await;
    }
}
