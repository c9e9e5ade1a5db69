//! What the scheduler answers.

use jiff::Timestamp;
use podlift_model::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The lanes of these nodes begin now.
    Take(Batch),
    /// No lane may begin, for a reason that this run does not remove itself. The text stays the same while the reason does.
    Wait { why: String, until: Option<Timestamp> },
    /// Only jobs are left that a person has to decide about: pass their ids in `Scene::agreed` or leave their nodes out.
    Ask { why: String, jobs: Vec<String> },
    /// The policy leaves out these nodes, those of a gang together. Call again with them as `Stage::Out`.
    Leave { nodes: Vec<NodeName>, why: String },
    /// No lane may begin now: either no node is to come, or lanes of this run take all the room.
    Nothing,
}

/// Nodes whose lanes begin together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Batch {
    /// In the order of names.
    pub nodes: Vec<NodeName>,
    /// Why these nodes are next, in one sentence.
    pub why: String,
    /// Why each of the nodes is among them.
    pub reasons: BTreeMap<NodeName, String>,
    /// Ids of the jobs that lose work, in order: those with GPUs, and gangs. A gang whose work is lost already is not among them.
    pub interrupts: Vec<String>,
    /// Ids of the elastic gangs that lose the pods on these nodes and go on with the others, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shrinks: Vec<String>,
    /// GPU-seconds of work that these jobs lose, if they keep nothing: GPUs × age. Of a job that is no gang, and of an elastic gang that goes
    /// on, only the pods on these nodes.
    pub gpu_seconds: u64,
}

/// What would happen from now on if every lane took its expected length and the jobs stayed as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forecast {
    pub batches: Vec<Planned>,
    /// When the last lane is over, in seconds from now.
    pub ends_in_seconds: u64,
    /// The nodes that would not be taken, with the reason.
    pub not_taken: BTreeMap<NodeName, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    pub batch: Batch,
    /// Seconds from now.
    pub starts_in_seconds: u64,
}
