//! `podlift heal`: what every agent's heal does and keeps, as it told it last, and the heals of the journal with what they changed.

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
    /// By name.
    pub nodes: Vec<HealNode>,
    /// The last ones, oldest first.
    pub history: Vec<HealRecord>,
    /// How many heals the journal has of these nodes, those of `history` included.
    pub heals: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HealNode {
    pub node: NodeName,
    /// Its agent is connected.
    pub connected: bool,
    /// Of what is shown here.
    pub age_seconds: u64,
    /// Older than three heartbeats.
    pub stale: bool,
    /// None: its agent does not say.
    pub heal: Option<HealFacts>,
}

/// A heal that is in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HealRecord {
    /// Number of the journal's record.
    pub seq: u64,
    /// The run that was open; None: it happened in the steady watch.
    pub run: Option<RunId>,
    #[serde(flatten)]
    pub heal: HealEvent,
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealAsk {
    /// None: every node.
    pub node: Option<NodeName>,
    /// How many of the last heals.
    pub last: usize,
    /// Only the heal of this id.
    pub id: Option<String>,
}

impl HealAsk {
    fn wants(&self, node: &NodeName) -> bool {
        self.node.as_ref().is_none_or(|n| n == node)
    }
}

/// What the journal has of the heals that are asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HealHistory {
    /// The last ones, oldest first.
    pub last: Vec<HealRecord>,
    /// How many there are, those of `last` included.
    pub heals: u64,
}

/// `stale_after` in seconds.
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
    /// The heal that a record of the journal tells; `None` where the record is about something else.
    pub fn of(record: Record) -> Option<Self> {
        match record.event {
            Event::Healed { heal } => Some(Self { seq: record.seq, run: record.run, heal }),
            _ => None,
        }
    }
}
