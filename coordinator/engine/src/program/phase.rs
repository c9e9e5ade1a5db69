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
