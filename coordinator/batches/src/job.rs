//! A job: what a person would call one piece of work, with the nodes on which it runs.

use jiff::Timestamp;
use podlift_model::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Job {
    /// `namespace/Kind/name`. The same job has the same id in every scene of a run.
    pub id: String,
    /// The nodes that have pods of the job which a drain evicts, with the number of these pods. Empty if its pods are gone.
    pub nodes: BTreeMap<NodeName, u32>,
    /// GPUs of all its pods together.
    pub gpus: u32,
    /// When its present pods began to work; `None` if it is not known, which counts as a job that has just begun.
    pub since: Option<Timestamp>,
    /// All its pods work together: without one of them, the work of all is lost. Otherwise each pod counts for itself.
    pub gang: bool,
    /// The owner accepts interruptions, as with Run:ai's preemptible workloads.
    pub preemptible: bool,
    /// The mark by which the owner forbids an interruption, e.g. `podlift.io/never-interrupt=true`; `None` if there is none.
    pub never: Option<String>,
    /// A person works in it, e.g. in a notebook.
    pub interactive: bool,
}
