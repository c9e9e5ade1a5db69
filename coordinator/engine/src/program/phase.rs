//! Phases, lanes and steps as data. Phases run in order; the lanes of a phase run `parallel` at a time; the steps of a lane run in order. A
//! worker that gets its packages from a BCM image has another lane, but the same planner.

use crate::steps::StepKind;
use podlift_model::{NodeName, StepId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    /// `backup`, `root-cause`, `pre-stage`, `control-plane`, `addons`, `kubelets`, `canary`, `workers`, `at-target`, `patches`, `after`.
    pub name: String,
    pub title: String,
    /// Why the phase has its place in the order, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    pub parallel: u32,
    pub lanes: Vec<Lane>,
    /// The order in which the lanes begin, as the plan foresees it; empty for the order of `lanes`. It follows from the work on the nodes,
    /// which changes all the time, so the hash of the plan does not cover it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<Batch>,
}

/// Nodes whose lanes begin together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Batch {
    pub nodes: Vec<NodeName>,
    /// Why the nodes have their place, in a sentence.
    pub why: String,
    /// The workloads that the batch interrupts, the largest loss first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_risk: Vec<AtRisk>,
}

/// A workload that a batch interrupts, with what it would lose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AtRisk {
    pub namespace: String,
    /// `Kind/name` of its gang or its controller, or `Pod/name`.
    pub workload: String,
    /// GPUs that it holds on all of its nodes.
    pub gpus: u32,
    /// Its GPUs times the minutes since its start.
    pub gpu_minutes: u64,
    /// How many batches interrupt it: more than one if its nodes don't fit into one batch.
    pub interruptions: u32,
    /// The label or annotation by which its owner forbids an interruption: `key=value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never_interrupt: Option<String>,
}

/// Name of the phase in which the workers are drained.
pub const WORKERS: &str = "workers";

impl Phase {
    /// Whether as many lanes are at work as workers may be unavailable.
    pub fn follows_max_unavailable(&self) -> bool {
        self.name == WORKERS
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lane {
    /// `None` for a lane of the cluster as a whole.
    pub node: Option<NodeName>,
    pub steps: Vec<StepSpec>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepSpec {
    /// Position in the plan, from 1; part of the op ids.
    pub number: u32,
    pub id: StepId,
    pub phase: String,
    pub node: Option<NodeName>,
    #[serde(flatten)]
    pub kind: StepKind,
}
