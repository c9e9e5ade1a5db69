//! Jobs that a run has interrupted, and the work that they have lost.

use crate::machine::{BatchJob, ChosenBatch, RunState};
use podlift_model::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A job of which the run has evicted pods.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InterruptedJob {
    /// `namespace/Kind/name`.
    pub job: String,
    pub namespace: String,
    /// Its owner: `Kind/name`.
    pub owner: String,
    /// In how many batches it was interrupted; 0 if it lost pods and went on with the others each time.
    pub times: u32,
    /// Its GPUs times its age at each interruption.
    pub gpu_hours: f64,
}

/// The most costly first. A job counts once a drain has evicted pods from one of its nodes.
pub(super) fn interrupted(s: &RunState) -> Vec<InterruptedJob> {
    let mut jobs: BTreeMap<&str, InterruptedJob> = BTreeMap::new();
    for (batch, job) in s.batches.iter().flat_map(|b| b.jobs.iter().map(move |job| (b, job))) {
        if job.nodes.iter().any(|node| drained(s, batch, node)) {
            let row = jobs.entry(&job.id).or_insert_with(|| named(job));
            row.times += u32::from(batch.interrupts.contains(&job.id));
            row.gpu_hours += job.gpu_seconds as f64 / 3600.0;
        }
    }
    let mut out: Vec<InterruptedJob> = jobs.into_values().collect();
    out.sort_by(|a, b| b.gpu_hours.total_cmp(&a.gpu_hours).then_with(|| a.job.cmp(&b.job)));
    out
}

fn named(job: &BatchJob) -> InterruptedJob {
    let (namespace, owner) = job.id.split_once('/').unwrap_or(("", &job.id));
    let (job, namespace, owner) = (job.id.clone(), namespace.into(), owner.into());
    InterruptedJob { job, namespace, owner, ..InterruptedJob::default() }
}

/// Whether the drain of the node was one of this batch. A node may have been chosen more than once, because lanes that have not begun are
/// chosen anew after a pause: its drain is that of the last batch before it, and one more attempt that of the newest.
fn drained(s: &RunState, batch: &ChosenBatch, node: &NodeName) -> bool {
    let mut lane = s.steps_of(node).filter(|(spec, _)| spec.phase == batch.phase);
    let Some((_, step)) = lane.find(|(spec, step)| spec.kind.step().evicts() && step.attempts > 0) else {
        return false;
    };
    let of_node = || s.batches.iter().filter(|b| b.phase == batch.phase && b.nodes.contains(node)).rev();
    let first = of_node().find(|b| step.began.is_none_or(|began| b.at <= began)).map(|b| b.number);
    let newest = of_node().next().map(|b| b.number).filter(|_| step.attempts > 1);
    first == Some(batch.number) || newest == Some(batch.number)
}

/// The hours of each namespace; only namespaces that have lost some.
pub(super) fn by_namespace(jobs: &[InterruptedJob]) -> BTreeMap<String, f64> {
    let mut out: BTreeMap<String, f64> = BTreeMap::new();
    for job in jobs.iter().filter(|job| job.gpu_hours > 0.0) {
        *out.entry(job.namespace.clone()).or_default() += job.gpu_hours;
    }
    out
}
