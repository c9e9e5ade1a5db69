//! Jobs that a run has interrupted, and the work that they have lost.

use crate::machine::{BatchJob, RunState};
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
    /// In how many batches it was interrupted.
    pub times: u32,
    /// Its GPUs times its age at each interruption.
    pub gpu_hours: f64,
}

/// The most costly first. A job counts once a drain has evicted pods from one of its nodes.
pub(super) fn interrupted(s: &RunState) -> Vec<InterruptedJob> {
    let mut jobs: BTreeMap<&str, InterruptedJob> = BTreeMap::new();
    for (batch, job) in s.batches.iter().flat_map(|b| b.jobs.iter().map(move |job| (b, job))) {
        if job.nodes.iter().any(|node| drained(s, &batch.phase, node)) {
            let row = jobs.entry(&job.id).or_insert_with(|| named(job));
            row.times += 1;
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

fn drained(s: &RunState, phase: &str, node: &NodeName) -> bool {
    let mut lane = s.steps_of(node).filter(|(spec, _)| spec.phase == phase);
    lane.any(|(spec, step)| spec.kind.step().evicts() && step.attempts > 0)
}

/// The hours of each namespace; only namespaces that have lost some.
pub(super) fn by_namespace(jobs: &[InterruptedJob]) -> BTreeMap<String, f64> {
    let mut out: BTreeMap<String, f64> = BTreeMap::new();
    for job in jobs.iter().filter(|job| job.gpu_hours > 0.0) {
        *out.entry(job.namespace.clone()).or_default() += job.gpu_hours;
    }
    out
}
