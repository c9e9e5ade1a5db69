//! What the scheduler sees at one moment of a run.

use crate::{Job, Policy};
use jiff::Timestamp;
use podlift_model::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How far this run has come with a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Its lane has not begun.
    ToCome,
    /// Its lane has begun and is not over. The node counts as unavailable.
    AtWork,
    /// Its lane is over, and the node takes work again.
    Over,
    /// The run does not take it: it is left out, deferred or given up.
    Out,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Worker {
    pub node: NodeName,
    pub stage: Stage,
    /// NotReady, or cordoned by others. It takes a turn away, in any stage; the caller says `false` for a node that takes none. A node at
    /// work is unavailable in any case.
    pub unavailable: bool,
    pub labels: BTreeMap<String, String>,
    /// Its BCM category by name; `None` where BCM does not manage it or has not been asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// When its lane of this run ended well; `None` if it has not, or if the time is not known. Canaries of groups count these nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// Its lane has failed, and the run goes on without the node.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub now: Timestamp,
    /// When the run came to its workers. The time that a large gang may take to end (`gangs.wait-seconds`) counts from here.
    pub started: Timestamp,
    pub policy: &'a Policy,
    /// How many workers may be unavailable together: the present value of the run, already a number of nodes.
    pub max_unavailable: u32,
    /// How many lanes may be at work at present, if that is fewer: an approval covers no more, or no first worker has shown that all is
    /// well. It passes, so a gang is not too large because of it. A unit that is larger than it goes alone.
    pub lanes_at_most: u32,
    pub workers: &'a [Worker],
    pub jobs: &'a [Job],
    /// Ids of the jobs that this run has interrupted, with the time at which it did so last. What a job still has from before that time is
    /// lost already, so its nodes are next; what it has begun since goes last.
    pub interrupted: &'a BTreeMap<String, Timestamp>,
    /// Ids of the jobs whose interruption an operator has agreed to, after `Decision::Ask`.
    pub agreed: &'a BTreeSet<String>,
    /// How long a lane is expected to take.
    pub lane_seconds: u64,
    /// Batches of this run of which every lane is over. It counts for growing batches only.
    pub batches_done: u32,
}
