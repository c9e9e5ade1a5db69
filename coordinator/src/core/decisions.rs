//! The event of a person's command on a run, or the reason why the run does not allow the command. Pure.

use super::CoordinatorError;
use podlift_engine::machine::{APPROVAL, Event, MAX_UNAVAILABLE, RunState, RunStatus};
use podlift_engine::program::StopReason;
use podlift_model::{NodeName, StepId, codes};

/// With `now`, lanes that have begun do not go on to their end either.
pub(super) fn pause(reason: String, now: bool, by: &str) -> Event {
    let message = match reason.is_empty() {
        true => format!("paused by {by}"),
        false => format!("paused by {by}: {reason}"),
    };
    let (detail, undone) = (String::new(), String::new());
    let reason =
        StopReason { code: codes::OPERATOR.into(), message, detail, undone, next: "podlift resume".into() };
    Event::RunPaused { reason, by: Some(by.into()), now }
}

/// Resumes a run. A run that paused because a step failed is not resumed, because it would pause again at once; a run that a person paused
/// is, although a lane that went on to its end may have failed meanwhile, and the machine judges that failure then. What waits for an
/// approval is not resumed.
pub(super) fn resume(state: &RunState, by: String) -> Result<Event, CoordinatorError> {
    let by_person = match &state.status {
        RunStatus::Paused { reason } if reason.code == APPROVAL => {
            return Err(CoordinatorError::WaitsForApproval { what: reason.message.clone() });
        }
        RunStatus::Paused { reason } => reason.code == codes::OPERATOR,
        _ => false,
    };
    if !by_person {
        none_failed(state)?;
    }
    Ok(Event::RunResumed { by })
}

fn none_failed(state: &RunState) -> Result<(), CoordinatorError> {
    match state.failed_steps().next() {
        Some((step, _)) => Err(CoordinatorError::StepFailed { step: step.id.clone() }),
        None => Ok(()),
    }
}

pub(super) fn include(state: &RunState, node: NodeName, by: String) -> Result<Event, CoordinatorError> {
    match state.deferred.contains_key(&node) {
        true => Ok(Event::NodeIncluded { node, by }),
        false => Err(CoordinatorError::NotDeferred { node }),
    }
}

pub(super) fn retry(
    state: &RunState,
    step: Option<StepId>,
    by: String,
    repair_dpkg: bool,
) -> Result<Event, CoordinatorError> {
    let paused = matches!(state.status, RunStatus::Paused { .. });
    let none = state.failed_steps().next().is_none() && state.set_aside.is_empty();
    match step.is_none() && !paused && none {
        true => Err(CoordinatorError::NothingFailed { run: state.run.clone() }),
        false => Ok(Event::RetryAsked { step, by, repair_dpkg }),
    }
}

/// Changes an option of the run. A value that means nothing is refused here, with what was expected.
pub(super) fn set(name: String, value: String, by: String) -> Result<Event, CoordinatorError> {
    let expected = match name.as_str() {
        MAX_UNAVAILABLE if value.parse::<u32>().is_ok_and(|n| n > 0) => {
            return Ok(Event::OptionSet { name, value, by });
        }
        MAX_UNAVAILABLE => "a number of workers from 1",
        _ => "an option that a run can change: max-unavailable",
    };
    Err(CoordinatorError::BadOption { name, value, expected })
}

pub(super) fn unwaive(state: &RunState, check: String, by: String) -> Result<Event, CoordinatorError> {
    match state.waived(&check) {
        Some(_) => Ok(Event::WaiverLifted { check, by }),
        None => {
            let known = state.waivers.iter().map(|w| w.check.clone()).collect();
            Err(CoordinatorError::NotWaived { check, known })
        }
    }
}

/// Approves only a requested approval. A run that is paused for another reason needs resume, from a person who has read the reason.
pub(super) fn approve(state: &RunState, by: String) -> Result<Event, CoordinatorError> {
    let why = match &state.status {
        RunStatus::Paused { reason } if reason.code == APPROVAL => {
            none_failed(state)?;
            return Ok(Event::Approved { by, what: reason.message.clone() });
        }
        RunStatus::Paused { reason } => {
            format!(
                "run {} is paused for another reason: {}; `podlift resume` continues it",
                state.run, reason.message
            )
        }
        _ => format!("run {} is not paused", state.run),
    };
    Err(CoordinatorError::NothingToApprove { why })
}
