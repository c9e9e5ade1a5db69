//! What to do now: a function of the state alone. Whoever asks twice gets the same answer.

use super::approval;
use super::state::{RunState, RunStatus};
use super::step::StepStatus;
use crate::program::{StepSpec, StopReason};

/// One step to drive.
#[derive(Debug, Clone, PartialEq)]
pub struct Todo {
    pub step: StepSpec,
    /// Lanes of the same phase that are at work and come before this one: they count as unavailable nodes.
    pub ahead: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// These may be driven, side by side. Steps with an open op are among them whatever the run's status is: their end must be known.
    Drive(Vec<Todo>),
    /// Every step is over: append RunSucceeded.
    Succeed,
    /// A person has to approve what comes next: append RunPaused with this.
    Pause(Box<StopReason>),
    /// Undo what is ours, then append RunAborted.
    Undo,
    /// Nothing until an operator says so.
    Rest,
}

pub fn next(state: &RunState) -> Next {
    match state.status {
        RunStatus::Succeeded | RunStatus::Aborted { .. } => Next::Rest,
        RunStatus::Aborting { .. } => open_or(state, Next::Undo),
        RunStatus::Paused { .. } => open_or(state, Next::Rest),
        RunStatus::Running if !state.track.failed.is_empty() => open_or(state, Next::Rest),
        RunStatus::Running => match (state.track.phase(), approval::awaited(state)) {
            (None, _) => Next::Succeed,
            (Some(_), Some(reason)) => Next::Pause(Box::new(reason)),
            (Some(phase), None) => Next::Drive(drivable(state, phase)),
        },
    }
}

fn open_or(state: &RunState, otherwise: Next) -> Next {
    let open: Vec<Todo> = state.open_steps().map(|s| Todo { step: s.clone(), ahead: 0 }).collect();
    if open.is_empty() { otherwise } else { Next::Drive(open) }
}

/// A lane that has begun keeps its place; new ones take what is left of `parallel`, in order.
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
