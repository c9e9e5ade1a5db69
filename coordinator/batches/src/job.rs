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
    /// The least number of pods with which the gang works, e.g. the `minMember` of its PodGroup; `None` if it needs all of them. A gang with
    /// more pods is elastic: as long as it keeps so many, a loss interrupts it not, and costs only the pods that are lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_member: Option<u32>,
    /// How many pods it should have, those that wait for a node among them; `None` if it is not known. It tells an elastic gang whose pods
    /// are on their way back from one that has no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u32>,
    /// The owner accepts interruptions, as with Run:ai's preemptible workloads.
    pub preemptible: bool,
    /// The mark by which the owner forbids an interruption, e.g. `podlift.io/never-interrupt=true`; `None` if there is none.
    pub never: Option<String>,
    /// A person works in it, e.g. in a notebook.
    pub interactive: bool,
}

impl Job {
    /// Whether it is a gang that keeps enough pods when these nodes lose theirs. Such a loss does not interrupt it.
    pub fn goes_on_without(&self, nodes: &[NodeName]) -> bool {
        let kept =
            self.nodes.iter().filter(|(node, _)| !nodes.contains(node)).map(|(_, pods)| u64::from(*pods));
        self.least().is_some_and(|least| kept.sum::<u64>() >= least)
    }

    /// Whether each of its nodes alone may lose its pods without an interruption.
    pub fn is_elastic(&self) -> bool {
        !self.nodes.is_empty()
            && self.nodes.keys().all(|node| self.goes_on_without(std::slice::from_ref(node)))
    }

    /// The least number of pods of a gang that need not have all of them; at least 1.
    pub(crate) fn least(&self) -> Option<u64> {
        self.min_member.filter(|_| self.gang).map(|least| u64::from(least.max(1)))
    }
}
