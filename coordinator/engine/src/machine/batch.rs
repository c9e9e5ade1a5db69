//! Batches of lanes as the journal has them: which nodes were chosen together, why, and which jobs that interrupts.

use jiff::Timestamp;
use podlift_model::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A job that loses work with a batch: one that it interrupts, or a gang that goes on with fewer pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchJob {
    /// `namespace/Kind/name`.
    pub id: String,
    /// Its nodes in the batch.
    pub nodes: Vec<NodeName>,
    /// Its GPUs times its age.
    pub gpu_seconds: u64,
}

/// Lanes that were chosen together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChosenBatch {
    /// From 1, over the whole run.
    pub number: u32,
    pub at: Timestamp,
    pub phase: String,
    /// Empty for a lane of the cluster as a whole.
    pub nodes: Vec<NodeName>,
    pub why: String,
    /// Why each node is in the batch.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<NodeName, String>,
    /// Jobs that the batch interrupts: `namespace/Kind/name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interrupts: Vec<String>,
    /// GPU-seconds of work that those jobs lose if they have no checkpoint.
    pub gpu_seconds: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<BatchJob>,
}

/// Why no lane may begin now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchWait {
    pub why: String,
    /// When the reason ends, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}
