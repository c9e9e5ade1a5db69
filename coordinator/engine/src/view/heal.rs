//! `podlift heal`: the state of every agent's heal as the agent last reported it, and the journal's heals with their changes.

use super::status::SeenNode;
use crate::machine::{Event, Record};
use jiff::Timestamp;
use podlift_model::heal::{HealEvent, HealFacts};
use podlift_model::{ClusterName, NodeName, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const SCHEMA: &str = "podlift.heal/v1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Heal {
    pub schema: String,
    pub cluster: ClusterName,
    pub at: Timestamp,
    /// Sorted by name.
    pub nodes: Vec<HealNode>,
    /// The last heals, oldest first.
    pub history: Vec<HealRecord>,
    /// Number of these nodes' heals in the journal, including those of `history`.
    pub heals: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HealNode {
    pub node: NodeName,
    /// Whether its agent is connected.
    pub connected: bool,
    /// Age of what is shown here.
    pub age_seconds: u64,
    /// True if it is older than three heartbeats.
    pub stale: bool,
    /// `None` if its agent does not report it.
    pub heal: Option<HealFacts>,
}

/// A heal from the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HealRecord {
    /// Number of the journal's record.
    pub seq: u64,
    /// The run that was open; `None` if the heal happened in the steady watch.
    pub run: Option<RunId>,
    #[serde(flatten)]
    pub heal: HealEvent,
}

/// A request for heals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealAsk {
    /// `None` for all nodes.
    pub node: Option<NodeName>,
    /// Maximum number of heals; the last ones are taken.
    pub last: usize,
    /// Only the heal of this id.
    pub id: Option<String>,
}

impl HealAsk {
    fn wants(&self, node: &NodeName) -> bool {
        self.node.as_ref().is_none_or(|n| n == node)
    }
}

/// The journal's heals that a request asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HealHistory {
    /// The last heals, oldest first.
    pub last: Vec<HealRecord>,
    /// Number of all of them, including those of `last`.
    pub heals: u64,
}

/// Makes the view; `stale_after` is in seconds.
pub fn heal(
    cluster: &ClusterName,
    now: Timestamp,
    nodes: &[SeenNode],
    history: HealHistory,
    ask: &HealAsk,
    stale_after: u64,
) -> Heal {
    let rows = nodes.iter().filter(|n| ask.wants(&n.facts.node)).map(|n| row(n, now, stale_after));
    let (nodes, HealHistory { last, heals }) = (rows.collect(), history);
    Heal { schema: SCHEMA.into(), cluster: cluster.clone(), at: now, nodes, history: last, heals }
}

fn row(n: &SeenNode, now: Timestamp, stale_after: u64) -> HealNode {
    let age_seconds = now.duration_since(n.at).as_secs().max(0) as u64;
    HealNode {
        node: n.facts.node.clone(),
        connected: n.connected,
        age_seconds,
        stale: !n.connected || age_seconds > stale_after,
        heal: n.facts.heal.as_deref().cloned(),
    }
}

impl HealRecord {
    /// The heal of a journal record; `None` if the record is about something else.
    pub fn of(record: Record) -> Option<Self> {
        match record.event {
            Event::Healed { heal } => Some(Self { seq: record.seq, run: record.run, heal }),
            _ => None,
        }
    }
}
