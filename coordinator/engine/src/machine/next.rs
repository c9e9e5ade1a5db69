//! What to do now: a function of the state alone, so the same state always gives the same answer.

use super::approval;
use super::state::{RunState, RunStatus};
use super::step::StepStatus;
use crate::program::{StepSpec, StopReason};
use podlift_model::NodeName;

/// One step to drive.
#[derive(Debug, Clone, PartialEq)]
pub struct Todo {
    pub step: StepSpec,
    /// Number of lanes of the same phase that are at work and come before this one. They count as unavailable nodes.
    pub ahead: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// These steps may be driven in parallel. Steps with an open op are always among them, whatever the run's status is, because their
    /// outcome must become known.
    Drive(Vec<Todo>),
    /// Every step is over: append RunSucceeded.
    Succeed,
    /// An operator has to approve the next phase or batch: append RunPaused with this reason.
    Pause(Box<StopReason>),
    /// A worker can't be worked on, and its turn has come twice: append NodeDeferred with this reason.
    Defer { node: NodeName, reason: String },
    /// Undo the run's own changes (`Step::undo`), then append RunAborted.
    Undo,
    /// Do nothing until an operator acts.
    Rest,
}

pub fn next(state: &RunState) -> Next {
    match state.status {
        RunStatus::Succeeded | RunStatus::Aborted { .. } => Next::Rest,
        RunStatus::Aborting { .. } => open_or(state, Next::Undo),
        RunStatus::Paused { .. } => open_or(state, Next::Rest),
        RunStatus::Running if !state.track.failed.is_empty() => {
            deferral(state).unwrap_or_else(|| open_or(state, Next::Rest))
        }
        RunStatus::Running => match (state.track.phase(), approval::awaited(state)) {
            (None, _) => Next::Succeed,
            (Some(_), Some(reason)) => Next::Pause(Box::new(reason)),
            (Some(phase), None) => Next::Drive(drivable(state, phase)),
        },
    }
}

/// If only workers have failed that could not even be begun, they are left out one by one.
fn deferral(state: &RunState) -> Option<Next> {
    let mut first = None;
    for (spec, reason) in state.failed_steps() {
        let fresh = |n: &&NodeName| {
            let mut lane = state.steps_of(n).filter(|(x, _)| x.phase == spec.phase);
            lane.all(|(_, step)| !step.ever_acted)
        };
        let node = spec.node.as_ref().filter(|_| spec.kind.step().yields()).filter(fresh)?;
        first.get_or_insert_with(|| Next::Defer { node: node.clone(), reason: reason.message.clone() });
    }
    first
}

fn open_or(state: &RunState, otherwise: Next) -> Next {
    let open: Vec<Todo> = state.open_steps().map(|s| Todo { step: s.clone(), ahead: 0 }).collect();
    if open.is_empty() { otherwise } else { Next::Drive(open) }
}

/// A lane that has begun keeps its place. New lanes take what is left of `parallel`, in order.
fn drivable(state: &RunState, phase: usize) -> Vec<Todo> {
    let (plan, steps, track) = (&state.plan, &state.steps, &state.track);
    let turns = track.turns(phase, approval::at_once(state, phase));
    let current = turns.filter_map(|lane| track.current(plan, steps, lane));
    current
        .enumerate()
        .filter(|(_, step)| !matches!(steps[&step.id].status, StepStatus::Failed { .. }))
        .map(|(i, step)| Todo { step: step.clone(), ahead: i as u32 })
        .collect()
}
