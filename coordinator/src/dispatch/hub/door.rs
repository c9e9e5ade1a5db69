//! The limits of one certificate: sessions that begin, lost memories, heals, and log lines about its messages. The module also keeps which
//! agents were refused and why. It logs a refusal once for each (node, machine) and counts the repetitions.

use super::Hub;
use crate::dispatch::limits::{Bucket, COMPLAINTS, HEALS, HELLOS, LEDGERS};
use jiff::Timestamp;
use podlift_model::NodeName;
use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use tonic::Status;

/// Sessions of one certificate that have not sent Hello yet.
const ARRIVING: u32 = 4;

pub(super) struct Door {
    hellos: Bucket,
    ledgers: Bucket,
    heals: Bucket,
    complaints: Bucket,
    arriving: u32,
    /// Serializes the checks of new sessions under one name.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            hellos: Bucket::new(HELLOS),
            ledgers: Bucket::new(LEDGERS),
            heals: Bucket::new(HEALS),
            complaints: Bucket::new(COMPLAINTS),
            arriving: 0,
            turn: Arc::default(),
        }
    }
}

/// A refused agent.
pub(super) struct Refusal {
    /// The machine of the agent; empty if the refusal applies to any machine.
    machine: String,
    text: String,
    times: u64,
    at: Timestamp,
}

/// A refusal that has not recurred for this long no longer counts: the agent is gone or repaired. Agents retry more often than this.
const FORGOTTEN: Duration = Duration::from_secs(900);

impl Refusal {
    fn recent(&self, now: Timestamp) -> bool {
        Duration::try_from(now.duration_since(self.at)).unwrap_or_default() <= FORGOTTEN
    }
}

/// A session that has not said Hello yet.
pub(super) struct Arrival<'a> {
    hub: &'a Hub,
    node: &'a NodeName,
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        self.hub.at_door(self.node, |door| door.arriving = door.arriving.saturating_sub(1));
    }
}

impl Hub {
    fn at_door<T>(&self, node: &NodeName, look: impl FnOnce(&mut Door) -> T) -> T {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        look(doors.entry(node.clone()).or_default())
    }

    /// Checks whether a session of this certificate may begin now.
    pub(super) fn arrive<'a>(&'a self, node: &'a NodeName) -> Result<Arrival<'a>, Status> {
        let (fine, soon) = self.at_door(node, |door| {
            let (fine, soon) = (door.hellos.take(), door.arriving < ARRIVING);
            door.arriving += u32::from(fine && soon);
            (fine, soon)
        });
        match (fine, soon) {
            (true, true) => Ok(Arrival { hub: self, node }),
            (false, _) => Err(Status::resource_exhausted(format!(
                "too many sessions of node {node}: {} at once and one a second are accepted; does its agent restart in a loop? journalctl -u podlift-agent",
                HELLOS.burst
            ))),
            (true, false) => Err(Status::resource_exhausted(format!(
                "{ARRIVING} sessions of node {node} have not sent Hello yet"
            ))),
        }
    }

    pub(super) fn turn(&self, node: &NodeName) -> Arc<tokio::sync::Mutex<()>> {
        self.at_door(node, |door| door.turn.clone())
    }

    pub(super) fn may_change_memory(&self, node: &NodeName) -> bool {
        self.at_door(node, |door| door.ledgers.take())
    }

    pub(super) fn may_heal(&self, node: &NodeName) -> bool {
        self.at_door(node, |door| door.heals.take())
    }

    /// Logs a line about a message, unless that node has used up its limit of such lines.
    pub(super) fn complain(&self, node: &NodeName, why: &str) {
        if self.at_door(node, |door| door.complaints.take()) {
            tracing::warn!(%node, why, "a message of the agent was refused");
        }
    }

    fn refusals(&self) -> MutexGuard<'_, BTreeMap<NodeName, Refusal>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs a refusal the first time for a machine, and counts it after that. Returns whether it was logged now.
    pub(super) fn turn_away(&self, node: &NodeName, machine: &str, text: &str) -> bool {
        let at = self.clock.now();
        let mut refusals = self.refusals();
        if let Some(known) = refusals.get_mut(node).filter(|r| r.machine == machine && r.recent(at)) {
            (known.times, known.at) = (known.times.saturating_add(1), at);
            // The first text stays, so that a plan that contains it is the same a second later.
            return false;
        }
        let refusal = Refusal { machine: machine.into(), text: text.into(), times: 1, at };
        let before = refusals.insert(node.clone(), refusal);
        drop(refusals);
        let times = before.map_or(0, |r| r.times);
        tracing::error!(%node, machine, times_before = times, "agent refused: {text}");
        true
    }

    pub(super) fn welcome_back(&self, node: &NodeName, machine: &str) {
        let mut refusals = self.refusals();
        // The first of two machines may reconnect while the second one still exists, so its refusal stays.
        if refusals.get(node).is_some_and(|r| r.machine.is_empty() || r.machine == machine) {
            refusals.remove(node);
        }
    }

    pub(super) fn turned_away(&self) -> BTreeMap<NodeName, String> {
        let now = self.clock.now();
        let refusals = self.refusals();
        let recent = refusals.iter().filter(|(_, r)| r.recent(now));
        recent.map(|(node, r)| (node.clone(), r.text.clone())).collect()
    }

    /// How often the agent of a node was refused, counted from the refusal that was logged.
    pub fn times_refused(&self, node: &NodeName) -> u64 {
        self.refusals().get(node).map_or(0, |r| r.times)
    }
}
