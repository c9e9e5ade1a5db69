//! The figures of a play.

use crate::rollout::Way;
use crate::trace::Trace;
use podlift_batches::Policy;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub format: &'static str,
    pub nodes: usize,
    pub gpus: u64,
    pub jobs: usize,
    pub days: f64,
    pub max_unavailable: usize,
    pub outcomes: Vec<Outcome>,
}

/// What the upgrades cost in one of the ways.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    pub way: Way,
    pub upgrades: Vec<Upgrade>,
    /// GPU-hours of work that interrupted jobs had done since they began.
    pub gpu_hours_lost: f64,
    /// The part of it that no order avoids: see `Upgrade`.
    pub gpu_hours_unavoidable: f64,
    /// The mean time from the beginning of an upgrade to its end.
    pub wall_hours: f64,
    /// Jobs that an upgrade interrupted, counted for each upgrade.
    pub jobs_interrupted: u32,
    /// Those that the same upgrade interrupted more than once.
    pub jobs_interrupted_again: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Upgrade {
    pub began_at_day: f64,
    pub wall_hours: f64,
    pub gpu_hours_lost: f64,
    /// What jobs had done before the upgrade that are still at work when the fastest one is over: the sum of all lanes, divided by the nodes
    /// that may be unavailable together. An order loses less only if it takes so long that some of these jobs end.
    pub gpu_hours_unavoidable: f64,
    pub jobs_interrupted: u32,
    pub jobs_interrupted_again: u32,
    /// Nodes that the policy left out, or that were not taken within 60 days.
    pub nodes_not_taken: usize,
}

impl Outcome {
    pub(crate) fn new(way: Way, upgrades: Vec<Upgrade>) -> Self {
        let sum = |of: fn(&Upgrade) -> f64| upgrades.iter().map(of).sum::<f64>();
        Self {
            way,
            gpu_hours_lost: sum(|u| u.gpu_hours_lost),
            gpu_hours_unavoidable: sum(|u| u.gpu_hours_unavoidable),
            wall_hours: sum(|u| u.wall_hours) / upgrades.len().max(1) as f64,
            jobs_interrupted: upgrades.iter().map(|u| u.jobs_interrupted).sum(),
            jobs_interrupted_again: upgrades.iter().map(|u| u.jobs_interrupted_again).sum(),
            upgrades,
        }
    }
}

impl Comparison {
    pub(crate) fn new(trace: &Trace, policy: &Policy, outcomes: Vec<Outcome>) -> Self {
        let last = trace.jobs.last().map_or(0, |job| job.submit);
        Self {
            format: "podlift.simulation/v1",
            nodes: trace.fleet.nodes,
            gpus: trace.fleet.nodes as u64 * u64::from(trace.fleet.gpus_per_node),
            jobs: trace.jobs.len(),
            days: last as f64 / 86_400.0,
            max_unavailable: crate::rollout::limit(policy, trace.fleet.nodes),
            outcomes,
        }
    }
}
