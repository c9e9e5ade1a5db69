//! Checkpoint hooks of pods that are about to be evicted. What a hook does is read from the annotations that the container runtime has of
//! the pod, and never from the request: a coordinator can name pods, and no command.
//!
//! A command runs in the pod's own container, with that container's rights, and a signal goes to the first process of that container. So a
//! hook can do what the pod could do anyway. A hook that fails is a result and not a failure of the op, because whether the pod is evicted
//! without its checkpoint is the coordinator's decision.
//!
//! After a crash of the agent the op is resumed. A pod whose hook has ended keeps its result. A hook that was running has an unknown end:
//! the runtime ends a command when crictl ends, and crictl ends with the agent. Such a hook is run once more, and its result says so
//! (`again`): two checkpoints cost time, and a missing one costs the work since the last.

mod command;
mod container;
mod hook;
mod memo;
mod signal;

use crate::ops::Cx;
use futures_util::future::join_all;
use memo::Memo;
use podlift_model::checkpoint::CheckpointResult;
use podlift_model::{Failure, PodRef};
use podlift_tools::crictl;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Hooks that run at the same time. Each is a process of crictl on a node that does other work.
const AT_ONCE: usize = 16;

/// The results of an op whose hooks have all ended; `None` if a hook has still to run.
pub(crate) fn known(cx: &Cx<'_>, pods: &[PodRef]) -> Result<Option<Vec<CheckpointResult>>, Failure> {
    let memo = Memo::open(cx)?;
    Ok(pods.iter().map(|pod| memo.ended(pod)).collect())
}

/// Runs the hooks of these pods side by side, and returns one result for each pod in the same order.
pub(crate) async fn run(
    cx: &Cx<'_>,
    pods: &[PodRef],
    seconds: u32,
) -> Result<Vec<CheckpointResult>, Failure> {
    let memo = Memo::open(cx)?;
    let left = Duration::from_secs(seconds.into()).saturating_sub(cx.took());
    let until = Instant::now() + left;
    let sandboxes = crictl::ready_sandboxes(&cx.node.host).await?;
    let places = Semaphore::new(AT_ONCE);
    let (memo, sandboxes, places) = (&memo, sandboxes.as_slice(), &places);
    let hook = |pod| async move {
        let _place = places.acquire().await;
        hook::run(cx, memo, sandboxes, pod, until).await
    };
    Ok(join_all(pods.iter().map(hook)).await)
}

#[cfg(test)]
mod tests;
