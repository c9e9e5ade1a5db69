//! A hook that is a command.

use crate::ops::Cx;
use podlift_model::checkpoint::CheckpointEnd;
use podlift_tools::crictl::{self, Executed, RunningContainer};
use podlift_tools::whole;
use std::time::Duration;

/// Runs the words in the container. The error says why they could not be run.
pub(super) async fn run(
    cx: &Cx<'_>,
    container: &RunningContainer,
    words: &[String],
    limit: Duration,
) -> Result<CheckpointEnd, String> {
    let grace_seconds = u32::try_from(limit.as_secs()).unwrap_or(u32::MAX);
    match crictl::exec(&cx.node.host, &container.id, words, limit).await.map_err(whole)? {
        Executed::Exited { code, output } => Ok(CheckpointEnd::Ran { exit_code: code, output }),
        Executed::TimedOut => Ok(CheckpointEnd::TimedOut { grace_seconds }),
        Executed::Refused(why) => Err(format!("the container runtime did not run its command: {why}")),
    }
}
