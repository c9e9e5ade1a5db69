//! When a run is expected to end, from the lanes that are over: the rest takes as long as they did, as many at once as may be.

use crate::inventory::NodeRole;
use crate::machine::{RunState, RunStatus, lengths, quantile};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Eta {
    /// If every node takes as long as the median of those that are over.
    pub at: Timestamp,
    /// If every node is as quick as the quickest twentieth.
    pub earliest: Timestamp,
    /// If every node is as slow as the slowest twentieth.
    pub latest: Timestamp,
}

/// Shares of the lanes that are over, for the three times.
const EARLIEST: f64 = 0.05;
const MEDIAN: f64 = 0.5;
const LATEST: f64 = 0.95;

/// `None` until a lane is over, while the run does not run, and when no node is left.
pub fn eta(s: &RunState, now: Timestamp) -> Option<Eta> {
    if s.status != RunStatus::Running {
        return None;
    }
    let of = |role| Lanes::of(s, role, now);
    let (servers, workers) = (of(NodeRole::ControlPlane), of(NodeRole::Worker));
    if servers.rest.is_empty() && workers.rest.is_empty() {
        return None;
    }
    let at = |share| end(s, now, share, (&servers, &workers));
    Some(Eta { at: at(MEDIAN)?, earliest: at(EARLIEST)?, latest: at(LATEST)? })
}

/// The lanes of one role.
struct Lanes {
    /// What those have taken that are over, the shortest first.
    over: Vec<f64>,
    /// The seconds of those that are at work; `None` for those that are to come.
    rest: Vec<Option<f64>>,
}

impl Lanes {
    fn of(s: &RunState, role: NodeRole, now: Timestamp) -> Self {
        let lanes = s.lane_times(role);
        let due = lanes.iter().filter(|(node, lane)| !lane.is_over && !s.goes_without(node));
        Self { rest: due.map(|(_, lane)| lane.seconds(now)).collect(), over: lengths(&lanes, now) }
    }

    /// What is left of each lane, if a whole one takes so long.
    fn rest(&self, usual: f64) -> Vec<Rest> {
        let one = |lane: &Option<f64>| Rest {
            begun: lane.is_some(),
            seconds: (usual - lane.unwrap_or(0.0)).max(0.0),
        };
        self.rest.iter().map(one).collect()
    }
}

/// What is left of a lane.
struct Rest {
    begun: bool,
    seconds: f64,
}

fn end(s: &RunState, now: Timestamp, share: f64, (servers, workers): (&Lanes, &Lanes)) -> Option<Timestamp> {
    let usual =
        |own: &Lanes, other: &Lanes| quantile(&own.over, share).or_else(|| quantile(&other.over, share));
    // The control plane goes node by node, and before the workers.
    let first: f64 = servers.rest(usual(servers, workers)?).iter().map(|lane| lane.seconds).sum();
    let closed = s.batch_waits.as_ref().and_then(|wait| wait.until);
    let closed = closed.map_or(0.0, |until| until.duration_since(now).as_secs_f64().max(0.0));
    let workers = workers.rest(usual(workers, servers)?);
    let seconds = first + side_by_side(&workers, s.max_unavailable.max(1) as usize, closed);
    now.checked_add(SignedDuration::try_from_secs_f64(seconds.ceil()).ok()?).ok()
}

/// How long lanes take of which so many go at once: those that have begun first, and no other one before the window opens.
fn side_by_side(lanes: &[Rest], at_once: usize, closed: f64) -> f64 {
    let whole = |seconds: f64| seconds.max(0.0).ceil() as u64;
    let begun = lanes.iter().filter(|lane| lane.begun);
    let mut ends: BinaryHeap<Reverse<u64>> = begun.map(|lane| Reverse(whole(lane.seconds))).collect();
    let mut last = ends.iter().map(|Reverse(end)| *end).max().unwrap_or(0);
    for lane in lanes.iter().filter(|lane| !lane.begun) {
        let mut free = 0;
        while ends.len() >= at_once {
            free = ends.pop().map_or(0, |Reverse(end)| end);
        }
        let end = free.max(whole(closed)) + whole(lane.seconds);
        last = last.max(end);
        ends.push(Reverse(end));
    }
    last as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_go_side_by_side_and_what_has_begun_goes_first() {
        let begun = |seconds: f64| Rest { begun: true, seconds };
        let to_come = |seconds: f64| Rest { begun: false, seconds };
        let cases: [(Vec<Rest>, usize, f64, f64); 5] = [
            (vec![], 2, 0.0, 0.0),
            (vec![begun(30.0), to_come(100.0), to_come(100.0), to_come(100.0)], 2, 0.0, 200.0),
            (vec![to_come(100.0), to_come(100.0), to_come(100.0)], 1, 0.0, 300.0),
            (vec![begun(30.0), to_come(100.0)], 2, 600.0, 700.0),
            // The number was lowered while three were at work.
            (vec![begun(10.0), begun(20.0), begun(30.0), to_come(100.0)], 1, 0.0, 130.0),
        ];
        for (i, (lanes, at_once, closed, want)) in cases.into_iter().enumerate() {
            assert_eq!(side_by_side(&lanes, at_once, closed), want, "case {i}");
        }
    }
}
