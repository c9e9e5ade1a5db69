//! How long lanes take: from the cordon of a node to the end of its lane. Learned from the lanes that are over.

use super::state::{RunState, UNCORDON};
use crate::inventory::NodeRole;
use jiff::Timestamp;
use podlift_model::NodeName;

/// What a lane is expected to take before one is over, seconds.
pub const EXPECTED_SECONDS: u64 = 900;

/// The lane in which a node is drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneTime {
    /// When its cordon was done; `None` before.
    pub from: Option<Timestamp>,
    /// When its last step so far ended.
    last: Option<Timestamp>,
    pub is_over: bool,
    /// Every step is done, and none was skipped.
    is_done: bool,
}

impl LaneTime {
    /// Seconds from its cordon to its end, or to now; `None` before its cordon.
    pub fn seconds(&self, now: Timestamp) -> Option<f64> {
        let to = self.last.filter(|_| self.is_over).unwrap_or(now);
        Some((to.duration_since(self.from?).as_millis() as f64 / 1000.0).max(0.0))
    }
}

impl RunState {
    /// The lane in which this node is drained; `None` if it has no such lane. One pass over its steps, because a fleet has many.
    pub fn lane_time(&self, node: &NodeName) -> Option<LaneTime> {
        let mut found: Option<(&str, LaneTime)> = None;
        let mut drains = false;
        for (spec, step) in self.steps_of(node) {
            let kind = spec.kind.step();
            if found.is_none() && kind.counterpart() == Some(UNCORDON) {
                let from = step.ended.filter(|_| step.is_done());
                found = Some((&spec.phase, LaneTime { from, last: None, is_over: true, is_done: true }));
            }
            let Some((_, lane)) = found.as_mut().filter(|(phase, _)| *phase == spec.phase) else { continue };
            drains |= kind.evicts();
            lane.last = lane.last.max(step.ended);
            lane.is_over &= step.is_over();
            lane.is_done &= step.is_done();
        }
        found.map(|(_, lane)| lane).filter(|_| drains)
    }

    /// The lanes of the nodes of this role that the run drains.
    pub fn lane_times(&self, role: NodeRole) -> Vec<(&NodeName, LaneTime)> {
        let nodes = self.plan.inventory.of_role(role).map(|n| &n.name);
        nodes.filter_map(|node| Some((node, self.lane_time(node)?))).collect()
    }
}

/// Seconds that the lanes have taken that are done, the shortest first.
pub fn lengths(lanes: &[(&NodeName, LaneTime)], now: Timestamp) -> Vec<f64> {
    let done = lanes.iter().filter(|(_, lane)| lane.is_done);
    let mut out: Vec<f64> = done.filter_map(|(_, lane)| lane.seconds(now)).collect();
    out.sort_by(f64::total_cmp);
    out
}

/// The value below which this share of the sorted values is; `None` if there are none.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get(((last as f64) * share).ceil() as usize).copied()
}

/// What a lane of this role usually takes in this run, whole seconds.
pub(super) fn usual_seconds(state: &RunState, role: NodeRole) -> u64 {
    let lengths = lengths(&state.lane_times(role), state.last);
    quantile(&lengths, 0.5).map_or(EXPECTED_SECONDS, |seconds| seconds.ceil() as u64)
}
