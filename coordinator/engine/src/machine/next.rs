//! What to do now: a function of the state alone. Whoever asks twice gets the same answer.

use super::state::{RunState, RunStatus, StepStatus};
use crate::plan::{Lane, Phase, StepSpec};

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
    /// Undo what is ours, then append RunAborted.
    Undo,
    /// Nothing until an operator says so.
    Rest,
}

pub fn next(state: &RunState) -> Next {
    let open = open_steps(state);
    match state.status {
        RunStatus::Succeeded | RunStatus::Aborted { .. } => Next::Rest,
        _ if has_failed(state) || matches!(state.status, RunStatus::Paused { .. }) => {
            drive_or(open, Next::Rest)
        }
        RunStatus::Aborting { .. } => drive_or(open, Next::Undo),
        _ => match state.plan.phases.iter().find(|p| !is_over(state, p)) {
            None => Next::Succeed,
            Some(phase) => Next::Drive(drivable(state, phase)),
        },
    }
}

fn drive_or(open: Vec<Todo>, otherwise: Next) -> Next {
    if open.is_empty() { otherwise } else { Next::Drive(open) }
}

fn has_failed(state: &RunState) -> bool {
    !matches!(state.status, RunStatus::Aborting { .. }) && state.failed_steps().next().is_some()
}

fn open_steps(state: &RunState) -> Vec<Todo> {
    let open = state.plan.steps().filter(|s| state.steps.get(&s.id).is_some_and(|x| x.is_open()));
    open.map(|s| Todo { step: s.clone(), ahead: 0 }).collect()
}

fn is_over(state: &RunState, phase: &Phase) -> bool {
    phase.lanes.iter().all(|lane| current(state, lane).is_none())
}

fn current<'a>(state: &RunState, lane: &'a Lane) -> Option<&'a StepSpec> {
    lane.steps.iter().find(|s| state.steps.get(&s.id).is_some_and(|x| !x.is_over()))
}

/// A lane that has begun keeps its place; new ones take what is left of `parallel`, in order.
fn drivable(state: &RunState, phase: &Phase) -> Vec<Todo> {
    // A lane that was set back as a whole waits for its turn again.
    let begun = |lane: &Lane| {
        lane.steps.iter().any(|s| state.steps.get(&s.id).is_some_and(|x| x.status != StepStatus::Pending))
    };
    let unfinished: Vec<(&Lane, &StepSpec)> =
        phase.lanes.iter().filter_map(|l| Some((l, current(state, l)?))).collect();
    let (old, new): (Vec<_>, Vec<_>) = unfinished.into_iter().partition(|(lane, _)| begun(lane));
    let room = (phase.parallel as usize).saturating_sub(old.len());
    let chosen = old.into_iter().chain(new.into_iter().take(room));
    chosen
        .enumerate()
        .filter(|(_, (_, step))| !matches!(state.steps[&step.id].status, StepStatus::Failed { .. }))
        .map(|(i, (_, step))| Todo { step: step.clone(), ahead: i as u32 })
        .collect()
}
