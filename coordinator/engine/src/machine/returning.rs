//! Pods of an elastic gang on their way back. A batch has evicted them, its nodes are finished, and the scheduler has not placed them yet: a
//! choice at this moment would find the gang at its least number of pods, and interrupt it.

use super::state::RunState;
use jiff::{SignedDuration, Timestamp};
use podlift_batches::Job;

/// How long they have after the last lane of their batch. Then the gang counts as it is.
const BACK: SignedDuration = SignedDuration::from_secs(300);

/// Why the next choice waits, and until when at most.
pub(super) fn awaited(state: &RunState, jobs: &[Job], now: Timestamp) -> Option<(String, Timestamp)> {
    let batch = state.batches.last()?;
    let shrunk =
        |job: &&Job| batch.jobs.iter().any(|hit| hit.id == job.id) && !batch.interrupts.contains(&job.id);
    let lacks = |job: &&Job| job.wanted.is_some_and(|wanted| job.nodes.values().sum::<u32>() < wanted);
    let job = jobs.iter().filter(shrunk).find(lacks)?;
    let ended = batch.nodes.iter().filter_map(|node| state.lane_time(node)?.finished()).max()?;
    let until = ended.checked_add(BACK).ok()?;
    (now < until).then(|| (format!("pods of {} are on their way back", job.id), until))
}
