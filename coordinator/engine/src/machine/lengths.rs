//! How long lanes take: from the cordon of a node to the end of its lane. Learned from the lanes that are over.

use super::state::{RunState, UNCORDON};
use super::step::StepState;
use crate::inventory::NodeRole;
use jiff::{SignedDuration, Timestamp};
use podlift_model::NodeName;

/// What a lane is expected to take before one is over, seconds.
pub const EXPECTED_SECONDS: u64 = 900;

/// The lane in which a node is drained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LaneTime {
    /// When its cordon was done; `None` before.
    pub from: Option<Timestamp>,
    /// When its last step so far ended.
    last: Option<Timestamp>,
    pub is_over: bool,
    /// Every step is done, and none was skipped.
    is_done: bool,
    /// The time of the steps after the cordon, until the node takes work again. Time between steps does not count, because it passes in a
    /// pause as well.
    work: SignedDuration,
    /// The node takes work again.
    is_back: bool,
    /// A step was tried again, and its time has the pause before that in it.
    retried: bool,
}

impl LaneTime {
    fn new(from: Option<Timestamp>) -> Self {
        let work = SignedDuration::ZERO;
        Self { from, last: None, is_over: true, is_done: true, work, is_back: false, retried: false }
    }

    /// Seconds from its cordon to its end, or to now; `None` before its cordon.
    pub fn seconds(&self, now: Timestamp) -> Option<f64> {
        let to = self.last.filter(|_| self.is_over).unwrap_or(now);
        Some((to.duration_since(self.from?).as_millis() as f64 / 1000.0).max(0.0))
    }
}

impl LaneTime {
    /// Every step is done, and none was skipped.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// When its last step was done; `None` if not all of them are.
    pub(super) fn finished(&self) -> Option<Timestamp> {
        self.last.filter(|_| self.is_done)
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
                found = Some((&spec.phase, LaneTime::new(from)));
            }
            let Some((_, lane)) = found.as_mut().filter(|(phase, _)| *phase == spec.phase) else { continue };
            drains |= kind.evicts();
            if kind.counterpart() != Some(UNCORDON) && !lane.is_back {
                lane.work += own_time(step);
                lane.is_back = kind.verb() == UNCORDON && step.is_done();
            }
            lane.retried |= step.retried;
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

fn own_time(step: &StepState) -> SignedDuration {
    let time = step.began.zip(step.ended).map(|(began, ended)| ended.duration_since(began));
    time.unwrap_or_default().max(SignedDuration::ZERO)
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

/// How long a lane of this role keeps its node from work, whole seconds: the median of the lanes that have given their node back.
pub(super) fn usual_seconds(state: &RunState, role: NodeRole) -> u64 {
    let back = state.lane_times(role).into_iter().filter(|(_, lane)| lane.is_back && !lane.retried);
    let mut taken: Vec<f64> = back.map(|(_, lane)| lane.work.as_secs_f64()).collect();
    taken.sort_by(f64::total_cmp);
    quantile(&taken, 0.5).map_or(EXPECTED_SECONDS, |seconds| seconds.ceil() as u64)
}
