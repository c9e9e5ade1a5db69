//! The hook of one pod, from its annotations to its result.

use super::memo::Memo;
use super::{command, container, signal};
use crate::ops::Cx;
use podlift_model::PodRef;
use podlift_model::checkpoint::{Checkpoint, CheckpointEnd, CheckpointResult, Hook};
use podlift_tools::crictl::Sandbox;
use std::time::Duration;
use tokio::time::Instant;

/// Runs the hook and remembers its result, or returns the result that is remembered. `until` is the end of the op's time.
pub(super) async fn run(
    cx: &Cx<'_>,
    memo: &Memo,
    sandboxes: &[Sandbox],
    pod: &PodRef,
    until: Instant,
) -> CheckpointResult {
    if let Some(known) = memo.ended(pod) {
        return known;
    }
    let (began, again) = (Instant::now(), memo.has_begun(pod));
    let end = attempt(cx, memo, sandboxes, pod, until).await;
    let end = end.unwrap_or_else(|why| CheckpointEnd::NotRun { why });
    let ran = !matches!(end, CheckpointEnd::NotFound | CheckpointEnd::NoHook | CheckpointEnd::NotRun { .. });
    let result =
        CheckpointResult { pod: pod.clone(), end, seconds: began.elapsed().as_secs(), again: again && ran };
    tracing::info!(op = %cx.op_id, %result, "a checkpoint has ended");
    if let Err(error) = memo.end(&result) {
        // The op's outcome has the result too; only an agent that crashes before that runs the hook again.
        tracing::warn!(%error, op = %cx.op_id, %pod, "the result of a checkpoint can't be recorded yet");
    }
    result
}

/// The error says why the hook could not begin.
async fn attempt(
    cx: &Cx<'_>,
    memo: &Memo,
    sandboxes: &[Sandbox],
    pod: &PodRef,
    until: Instant,
) -> Result<CheckpointEnd, String> {
    let Some(sandbox) = sandboxes.iter().find(|sandbox| is_of(sandbox, pod)) else {
        return Ok(CheckpointEnd::NotFound);
    };
    let annotation = |name: &str| sandbox.annotations.get(name).map(String::as_str);
    let Some(checkpoint) = Checkpoint::of(annotation).map_err(|e| e.to_string())? else {
        return Ok(CheckpointEnd::NoHook);
    };
    let container = container::of(cx, sandbox).await?;
    let left = until.saturating_duration_since(Instant::now());
    if left < Duration::from_secs(1) {
        return Err("the time of all checkpoints of this node was over before it began".into());
    }
    let limit = Duration::from_secs(checkpoint.grace_seconds.into()).min(left);
    memo.begin(pod).map_err(|e| format!("its beginning can't be recorded: {e}"))?;
    match checkpoint.hook {
        Hook::Command(words) => command::run(cx, &container, &words, limit).await,
        Hook::Signal(signal) => signal::send(cx, &container, signal, limit).await,
    }
}

fn is_of(sandbox: &Sandbox, pod: &PodRef) -> bool {
    sandbox.uid == pod.uid.as_str()
        && sandbox.namespace == pod.namespace.as_str()
        && sandbox.name == pod.name.as_str()
}
