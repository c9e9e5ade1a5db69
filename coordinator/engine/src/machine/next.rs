//! What to do now: a function of the state alone, so the same state always gives the same answer.

use super::admission;
use super::approval;
use super::budget;
use super::state::{RunState, RunStatus};
use super::step::StepStatus;
use crate::program::{Approve, StepSpec, StopReason};
use podlift_model::{NodeName, StepId};
use std::collections::BTreeSet;

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
    /// A step has failed, or an operator has to approve the next phase or batch: append RunPaused with this reason.
    Pause(Box<StopReason>),
    /// A worker can't be worked on, and its turn has come twice: append NodeDeferred with this reason.
    Defer { node: NodeName, reason: String },
    /// A worker has failed, and the budget of failures is not spent: append NodeSetAside.
    SetAside { node: NodeName, step: StepId, reason: Box<StopReason> },
    /// Undo the run's own changes (`Step::undo`), then append RunAborted.
    Undo,
    /// Do nothing until an operator acts.
    Rest,
}

/// What may begin, and what may only end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Lanes begin.
    Free,
    /// Lanes that have begun go on to their end, and no lane begins: after a failure and in a pause.
    Finish,
    /// Only open ops end.
    Ops,
    Over,
}

pub(super) fn pace(state: &RunState) -> Pace {
    match state.status {
        RunStatus::Succeeded | RunStatus::Aborted { .. } => Pace::Over,
        RunStatus::Aborting { .. } => Pace::Ops,
        RunStatus::Paused { .. } if state.pauses_now => Pace::Ops,
        RunStatus::Paused { .. } => Pace::Finish,
        RunStatus::Running if !state.track.failed.is_empty() => Pace::Finish,
        RunStatus::Running => Pace::Free,
    }
}

pub fn next(state: &RunState) -> Next {
    let otherwise = match state.status {
        RunStatus::Succeeded | RunStatus::Aborted { .. } => return Next::Rest,
        RunStatus::Aborting { .. } => Next::Undo,
        RunStatus::Paused { .. } => Next::Rest,
        RunStatus::Running => match budget::judge(state).or_else(|| approval_or_end(state)) {
            Some(next) => return next,
            // The lane of a single retry is over, and the other failures are as they were.
            None => budget::pause(state).unwrap_or(Next::Rest),
        },
    };
    let driven = driven(state);
    if driven.is_empty() {
        return otherwise;
    }
    Next::Drive(driven.into_iter().map(|(step, ahead)| Todo { step: step.clone(), ahead }).collect())
}

fn approval_or_end(state: &RunState) -> Option<Next> {
    if let Some(reason) = budget::taken(state).filter(|_| pace(state) == Pace::Free) {
        return Some(Next::Pause(Box::new(reason)));
    }
    if state.track.phase().is_none() {
        // Afterwards the run is over, and nobody would undo what is still due.
        return Some(if state.undo_due.is_empty() { Next::Succeed } else { Next::Rest });
    }
    let reason = approval::awaited(state).filter(|_| pace(state) == Pace::Free)?;
    Some(Next::Pause(Box::new(reason)))
}

/// The steps to drive, each with the number of lanes before it.
pub(super) fn driven(state: &RunState) -> Vec<(&StepSpec, u32)> {
    let mut out = match pace(state) {
        Pace::Over => return vec![],
        Pace::Ops => vec![],
        Pace::Free => state.track.phase().map(|phase| of_phase(state, phase)).unwrap_or_default(),
        Pace::Finish => finishing(state),
    };
    for open in state.open_steps() {
        if !out.iter().any(|(step, _)| step.id == open.id) {
            out.push((open, 0));
        }
    }
    out
}

/// A lane that has begun keeps its place. New lanes take what is left of `parallel`, in order.
fn of_phase(state: &RunState, phase: usize) -> Vec<(&StepSpec, u32)> {
    current(state, turns(state, phase))
}

fn turns(state: &RunState, phase: usize) -> impl Iterator<Item = u32> {
    // With an approval of each batch, no lane may come after the batch, even if it only waits.
    let together = state.plan.options.approve != Approve::Batch;
    state.track.turns(phase, approval::to_begin(state, phase), together, admission::admitted(state, phase))
}

/// Lanes whose node the run has changed go on to their end. A lane of an earlier phase that is not over is judged anew, so it comes before
/// them, and nothing goes on while such a lane of the cluster has failed. Nor does a node go on of which another lane has failed.
fn finishing(state: &RunState) -> Vec<(&StepSpec, u32)> {
    let Some(last) = state.track.last_touched() else { return vec![] };
    for phase in 0..last {
        let steps = of_phase(state, phase);
        if !steps.is_empty() || state.track.cluster_failed(&state.plan, phase) {
            return steps;
        }
    }
    let failed: BTreeSet<&NodeName> =
        state.failed_steps().filter_map(|(spec, _)| spec.node.as_ref()).collect();
    let admitted = admission::admitted(state, last);
    let of_last = current(state, state.track.touched(last, approval::parallel(state, last), admitted));
    let whole = |step: &StepSpec| step.node.as_ref().is_none_or(|node| !failed.contains(node));
    of_last.into_iter().filter(|(step, _)| whole(step)).collect()
}

fn current(state: &RunState, lanes: impl Iterator<Item = u32>) -> Vec<(&StepSpec, u32)> {
    let steps = lanes.filter_map(|lane| state.track.current(&state.plan, &state.steps, lane));
    let placed = steps.enumerate().map(|(i, step)| (step, i as u32));
    placed.filter(|(step, _)| !matches!(state.steps[&step.id].status, StepStatus::Failed { .. })).collect()
}

/// The place of a step among the lanes of the current phase, without a look at the steps of the other lanes: a phase may have thousands.
fn place(state: &RunState, step: &StepId) -> Option<u32> {
    let (lane, phase) = state.track.lane_of(step)?;
    if state.track.phase() != Some(phase) {
        return None;
    }
    let current = state.track.current(&state.plan, &state.steps, lane)?;
    let at = turns(state, phase).position(|other| other == lane)? as u32;
    (current.id == *step).then_some(at)
}

impl RunState {
    /// How many lanes of its phase are at work before this step, if the step is to be driven now. Failures and pauses that are not in the
    /// journal yet do not count.
    pub fn turn(&self, step: &StepId) -> Option<u32> {
        if pace(self) == Pace::Free {
            let open = || self.steps.get(step).filter(|s| s.is_open()).map(|_| 0);
            return place(self, step).or_else(open);
        }
        driven(self).into_iter().find(|(spec, _)| spec.id == *step).map(|(_, ahead)| ahead)
    }

    /// Whether this step may start an op now. After a failure and in a pause only lanes may that have begun. A step whose op has ended
    /// without a known outcome waits for the steps of earlier phases that are looked at again because of it.
    pub fn may_act(&self, step: &StepId) -> bool {
        match pace(self) {
            Pace::Free => {
                let now = self.track.phase().map(|phase| of_phase(self, phase)).unwrap_or_default();
                now.iter().any(|(spec, _)| spec.id == *step)
            }
            Pace::Finish => finishing(self).iter().any(|(spec, _)| spec.id == *step),
            Pace::Ops | Pace::Over => false,
        }
    }

    /// Nodes that have left the run and whose undo is due now, and whether their cordon stays. What a failed worker has may be needed by a
    /// retry, so it keeps everything until the end of the run, and its cordon longer.
    pub fn to_undo(&self) -> impl Iterator<Item = (&NodeName, bool)> {
        let at_work = matches!(self.status, RunStatus::Running | RunStatus::Paused { .. });
        let at_end = self.track.phase().is_none();
        let due = self.undo_due.iter().filter(move |_| at_work);
        due.map(|node| (node, !self.deferred.contains_key(node))).filter(move |(_, aside)| !*aside || at_end)
    }

    /// Whether an op of the run is under way, or lanes that have begun go on although the run is paused.
    pub fn is_at_work(&self) -> bool {
        match self.status {
            RunStatus::Paused { .. } => {
                // A step whose op has ended may rest unjudged until the run goes on, as a drain does that was stopped.
                let runs =
                    |step: &StepSpec| matches!(self.steps[&step.id].status, StepStatus::Started { .. });
                self.is_finishing() || self.open_steps().any(runs)
            }
            _ => !self.is_over(),
        }
    }

    /// Whether lanes that have begun are still on their way to their end, although none begins.
    pub fn is_finishing(&self) -> bool {
        pace(self) == Pace::Finish && !driven(self).is_empty()
    }
}
