//! Phases, lanes and steps as data. Phases run in order; the lanes of a phase run `parallel` at a time; the steps of a lane run in order. A
//! node that gets its packages from a BCM image has another lane, but the same planner.

use crate::steps::StepKind;
use podlift_model::{NodeName, StepId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    /// `backup`, `root-cause`, `pre-stage`, `images`, `control-plane`, `addons`, `kubelets`, `canary`, `workers`, `at-target`, `patches`,
    /// `verify`, `bcm`, `after`, `validate`.
    pub name: String,
    pub title: String,
    /// Why the phase has its place in the order, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    pub parallel: u32,
    /// Forecast of the batches in which its lanes will go. The run chooses each of them anew when its time comes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<PlannedBatch>,
    /// Nodes that are in none of these batches, each with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_taken: BTreeMap<NodeName, String>,
    /// When the last of these batches would be over, in seconds from the time of the plan, as if the phase began then; `None` if
    /// nodes are not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_in_seconds: Option<u64>,
    pub lanes: Vec<Lane>,
}

/// A batch of lanes as it was foreseen when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedBatch {
    pub nodes: Vec<NodeName>,
    pub why: String,
    /// Jobs that it would interrupt: `namespace/Kind/name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interrupts: Vec<String>,
    pub gpu_seconds: u64,
    /// In seconds from the time of the plan, as if the phase began then.
    pub starts_in_seconds: u64,
}

/// A job that the run will interrupt, as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobRow {
    /// `namespace/Kind/name`.
    pub id: String,
    /// Its nodes on which the run works.
    pub nodes: Vec<NodeName>,
    pub gpus: u32,
    /// Its GPUs times its age: what is lost if it has no checkpoint.
    pub gpu_hours_at_risk: f64,
    /// In how many batches of the forecast it is.
    pub times: u32,
}

/// Name of the phase of the first workers.
pub const CANARY: &str = "canary";
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
