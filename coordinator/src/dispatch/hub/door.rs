//! What one certificate may do now: begin a session, lose a memory, report a heal, be complained about. And who was turned away, and why:
//! said once for each (node, machine), counted for the rest.

use super::Hub;
use crate::dispatch::limits::{Bucket, COMPLAINTS, HEALS, HELLOS, LEDGERS};
use jiff::Timestamp;
use podlift_model::NodeName;
use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use tonic::Status;

/// Sessions of one certificate that have not said Hello yet.
const ARRIVING: u32 = 4;

pub(super) struct Door {
    hellos: Bucket,
    ledgers: Bucket,
    heals: Bucket,
    complaints: Bucket,
    arriving: u32,
    /// One session of a name is judged at a time.
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

/// An agent that was turned away.
pub(super) struct Refusal {
    /// Of its machine; empty: any.
    machine: String,
    text: String,
    times: u64,
    at: Timestamp,
}

/// One that does not come again is gone, or mended. Agents try at least this often.
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

    /// May a session of this certificate begin now?
    pub(super) fn arrive<'a>(&'a self, node: &'a NodeName) -> Result<Arrival<'a>, Status> {
        let (fine, soon) = self.at_door(node, |door| {
            let (fine, soon) = (door.hellos.take(), door.arriving < ARRIVING);
            door.arriving += u32::from(fine && soon);
            (fine, soon)
        });
        match (fine, soon) {
            (true, true) => Ok(Arrival { hub: self, node }),
            (false, _) => Err(Status::resource_exhausted(format!(
                "too many sessions of node {node}: {} at once and one a second are taken; is its agent started again and again? journalctl -u podlift-agent",
                HELLOS.burst
            ))),
            (true, false) => Err(Status::resource_exhausted(format!(
                "{ARRIVING} sessions of node {node} have not said Hello yet"
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

    /// A line in the log, unless there were many of that node just now.
    pub(super) fn complain(&self, node: &NodeName, why: &str) {
        if self.at_door(node, |door| door.complaints.take()) {
            tracing::warn!(%node, why, "a message of the agent was not taken");
        }
    }

    fn refusals(&self) -> MutexGuard<'_, BTreeMap<NodeName, Refusal>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Told once for the same machine; counted after that.
    /// Returns whether it was told now.
    pub(super) fn turn_away(&self, node: &NodeName, machine: &str, text: &str) -> bool {
        let at = self.clock.now();
        let mut refusals = self.refusals();
        if let Some(known) = refusals.get_mut(node).filter(|r| r.machine == machine && r.recent(at)) {
            (known.times, known.at) = (known.times.saturating_add(1), at);
            // What it said first stays: a plan that rests on it is the same a second later.
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
        // The first machine of two comes and goes, and the second one is still there.
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

    /// How often the agent of a node was turned away since it was said first.
    pub fn times_refused(&self, node: &NodeName) -> u64 {
        self.refusals().get(node).map_or(0, |r| r.times)
    }
}
