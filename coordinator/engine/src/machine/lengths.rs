//! How long lanes take: from the cordon of a node to the end of its lane. Learned from the lanes that are over.

use super::state::{RunState, UNCORDON};
use super::step::StepState;
use crate::inventory::NodeRole;
use crate::program::StepSpec;
use jiff::Timestamp;
use podlift_model::NodeName;

/// What a lane is expected to take before one is over, seconds.
pub const EXPECTED_SECONDS: u64 = 900;

/// A lane in which a node is cordoned: since when, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    pub from: Timestamp,
    /// `None` while the lane is at work.
    pub to: Option<Timestamp>,
}

impl Length {
    pub fn seconds(&self, now: Timestamp) -> f64 {
        (self.to.unwrap_or(now).duration_since(self.from).as_millis() as f64 / 1000.0).max(0.0)
    }
}

impl RunState {
    /// The lane in which this node is cordoned; `None` before its cordon, and for a node without such a lane.
    pub fn length_of(&self, node: &NodeName) -> Option<Length> {
        let cordons = |spec: &StepSpec| spec.kind.step().counterpart() == Some(UNCORDON);
        let (cordon, first) = self.steps_of(node).find(|(spec, _)| cordons(spec))?;
        let from = first.ended.filter(|_| first.is_done())?;
        let lane =
            || self.steps_of(node).filter(|(spec, _)| spec.phase == cordon.phase).map(|(_, step)| step);
        let to = lane().filter_map(|step| step.ended).max();
        Some(Length { from, to: to.filter(|_| lane().all(StepState::is_over)) })
    }

    /// Seconds that the finished lanes of this role have taken, the shortest first.
    pub fn lengths(&self, role: NodeRole) -> Vec<f64> {
        let nodes = self.plan.inventory.of_role(role).filter(|n| self.is_upgraded(&n.name));
        let over = nodes.filter_map(|n| self.length_of(&n.name)).filter(|length| length.to.is_some());
        let mut out: Vec<f64> = over.map(|length| length.seconds(self.last)).collect();
        out.sort_by(f64::total_cmp);
        out
    }
}

/// The value below which this share of the sorted values is; `None` if there are none.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get(((last as f64) * share).ceil() as usize).copied()
}

/// What a lane of a worker usually takes in this run, whole seconds.
pub(super) fn usual_seconds(state: &RunState) -> u64 {
    let lengths = state.lengths(NodeRole::Worker);
    quantile(&lengths, 0.5).map_or(EXPECTED_SECONDS, |seconds| seconds.ceil() as u64)
}
