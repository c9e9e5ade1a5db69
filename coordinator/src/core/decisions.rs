//! The event of a person's command on a run, or the reason why the run does not allow the command. Pure.

use super::CoordinatorError;
use podlift_engine::inventory::NodeRole;
use podlift_engine::machine::{APPROVAL, Event, MAX_UNAVAILABLE, RunState, RunStatus};
use podlift_engine::program::{Item, Limit, StopReason};
use podlift_engine::view::node::nearest;
use podlift_model::{NodeName, StepId, codes};
use std::collections::BTreeSet;

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

/// Resumes a run. A run that paused because a step failed is not resumed, because it would pause again at once. A run that paused for another
/// reason is, although a lane that went on to its end may have failed meanwhile; the machine judges that failure then. What waits for an
/// approval is not resumed.
pub(super) fn resume(state: &RunState, by: String) -> Result<Event, CoordinatorError> {
    if let Some(waits) = waits_for_item(state) {
        return Err(waits);
    }
    match &state.status {
        RunStatus::Paused { reason } if reason.code == APPROVAL => {
            return Err(CoordinatorError::WaitsForApproval { what: reason.message.clone() });
        }
        RunStatus::Paused { reason } if reason.code == codes::OPERATOR => {}
        RunStatus::Paused { reason } => {
            if let Some((step, _)) = state.failed_steps().find(|(step, _)| names(&reason.message, &step.id)) {
                return Err(CoordinatorError::StepFailed { step: step.id.clone() });
            }
        }
        _ => {}
    }
    Ok(Event::RunResumed { by })
}

/// Whether the reason of a pause is about this step: the machine writes `STEP: why`.
fn names(message: &str, step: &StepId) -> bool {
    message
        .split(|c: char| c.is_whitespace() || matches!(c, ':' | ';' | ','))
        .any(|word| word == step.as_str())
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

/// Nodes with a step that has stopped because devices there are in use.
fn held(state: &RunState) -> BTreeSet<&NodeName> {
    let failed = state.failed_steps().filter_map(|(spec, reason)| Some((spec.node.as_ref()?, reason)));
    let aside = state.set_aside.iter().map(|(node, aside)| (node, &aside.reason));
    failed
        .chain(aside)
        .filter(|(_, reason)| reason.code == codes::DEVICES_HELD)
        .map(|(node, _)| node)
        .collect()
}

/// Lets the steps of a node act although devices there are in use. Only of a node that has stopped for that: an override of another one
/// would wait there for a job that nobody has looked at.
pub(super) fn override_devices(
    state: &RunState,
    node: &NodeName,
    reason: String,
    by: String,
) -> Result<Event, CoordinatorError> {
    let nodes = &state.plan.inventory.nodes;
    if nodes.iter().any(|n| n.name == *node) {
        let held = held(state);
        return match held.contains(&node) {
            true => Ok(Event::DevicesOverridden { node: node.clone(), reason, by }),
            false => {
                let held = held.into_iter().cloned().collect();
                Err(CoordinatorError::NotHeld { node: node.clone(), held })
            }
        };
    }
    let near = nearest(node.as_str(), nodes.iter().map(|n| n.name.as_str()));
    let near = near.into_iter().map(String::from).collect();
    Err(CoordinatorError::UnknownNode { node: node.clone(), near, known: nodes.len() })
}

/// Changes an option of the run, with a line about its new value. A value that means nothing is refused here, with what was expected. The
/// journal holds the number that a share means in this run.
pub(super) fn set(
    state: &RunState,
    name: String,
    value: String,
    by: String,
) -> Result<(Event, String), CoordinatorError> {
    let expected = match (name.as_str(), value.parse::<Limit>()) {
        (MAX_UNAVAILABLE, Ok(limit)) => {
            let workers = state.plan.inventory.of_role(NodeRole::Worker).count();
            let number = limit.of(workers).to_string();
            let said = match limit {
                Limit::Percent(_) => {
                    let workers = podlift_model::count(workers, "worker");
                    format!("{name} is {value} of {workers}, that is {number},")
                }
                Limit::Number(_) => format!("{name} is {number}"),
            };
            return Ok((Event::OptionSet { name, value: number, by }, said));
        }
        (MAX_UNAVAILABLE, Err(_)) => "a number of workers from 1, or a share from 1% to 100%",
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
    if let Some(waits) = waits_for_item(state) {
        return Err(waits);
    }
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

/// The refusal of a command that decides nothing by name; `None` if the run waits for no item.
fn waits_for_item(state: &RunState) -> Option<CoordinatorError> {
    let item = state.awaited_item()?;
    let what = match &state.status {
        RunStatus::Paused { reason } => reason.message.clone(),
        _ => format!("run {} goes on with what does not need it", state.run),
    };
    Some(CoordinatorError::WaitsForItem { item, what })
}

/// A person's word about an item, with a line about what follows. It is taken before the run asks for it, too, and a later one counts.
pub(super) fn decide(state: &RunState, item: Item, refused: Option<String>, by: String) -> (Event, String) {
    let waits = state.awaited_item() == Some(item);
    let then = |what: &str| match waits {
        true => format!("{what}: run {} continues", state.run),
        false => format!("{what} in run {}, which does not wait for it now", state.run),
    };
    match refused {
        None => (Event::ItemApproved { item: item.name().into(), by }, then(&format!("{item} is approved"))),
        Some(reason) => (
            Event::ItemRefused { item: item.name().into(), reason, by },
            then(&format!("{item} is refused, and is not done")),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use podlift_engine::goals::build;
    use podlift_engine::machine::apply;
    use podlift_engine::testing::input;
    use podlift_model::RunId;

    fn reason(code: &str, message: &str) -> StopReason {
        let (detail, undone, next) = (String::new(), String::new(), "podlift resume".into());
        StopReason { code: code.into(), message: message.into(), detail, undone, next }
    }

    /// A run that paused for this reason, and in which a step of another lane has failed since.
    fn paused(message: &str, failed: &str) -> RunState {
        let plan = Box::new(build(&input()).unwrap());
        let events = [
            Event::RunStarted { plan, by: "me".into() },
            Event::RunPaused { reason: reason("agent-unreachable", message), by: None, now: false },
            Event::StepFailed { step: StepId::new(failed).unwrap(), reason: reason("x", "m") },
        ];
        let run = RunId::new("r1").unwrap();
        let next = |state, event: &Event| apply(state, &run, Timestamp::UNIX_EPOCH, event).map(Some).unwrap();
        events.iter().fold(None, next).unwrap()
    }

    #[test]
    fn a_resume_is_refused_only_for_the_failure_that_the_pause_names() {
        let (drain, restart) = ("workers/dgx033/drain", "workers/dgx032/kubelet-restart");
        let open = format!("{restart}: an op is open and its end is not known");
        assert!(resume(&paused(&open, drain), "eve".into()).is_ok(), "another lane has failed since");
        let named = paused(&format!("{drain}: m"), drain);
        assert!(matches!(resume(&named, "eve".into()), Err(CoordinatorError::StepFailed { .. })));
        let budget = format!(
            "2 workers have failed, and the run goes on only while fewer than 2 have: {drain}: m; before: x"
        );
        assert!(resume(&paused(&budget, drain), "eve".into()).is_err());
    }
    #[test]
    fn a_word_about_an_item_is_taken_before_it_is_asked_for() {
        let state = paused("m", "workers/dgx033/drain");
        let (event, said) = decide(&state, Item::TigeraRemoval, None, "eve".into());
        assert!(matches!(event, Event::ItemApproved { item, by } if item == "tigera-removal" && by == "eve"));
        assert!(said.contains("does not wait for it now"), "{said}");
        let (event, said) = decide(&state, Item::RunaiRestart, Some("a demo runs".into()), "eve".into());
        assert!(matches!(event, Event::ItemRefused { reason, .. } if reason == "a demo runs"));
        assert!(said.contains("runai-restart is refused, and is not done"), "{said}");
    }

    #[test]
    fn a_share_becomes_the_number_that_it_means_in_this_run() {
        let state = paused("m", "workers/dgx033/drain");
        let workers = state.plan.inventory.of_role(NodeRole::Worker).count();
        let table = [
            ("3", Ok("3".to_string())),
            ("100%", Ok(workers.to_string())),
            ("1%", Ok("1".into())),
            ("0", Err(())),
            ("200%", Err(())),
            ("NaN", Err(())),
        ];
        for (value, want) in table {
            let set = set(&state, MAX_UNAVAILABLE.into(), value.into(), "eve".into());
            match (set, want) {
                (Ok((Event::OptionSet { value: number, .. }, said)), Ok(want)) => {
                    assert_eq!(number, want, "{value}");
                    assert!(said.contains(&want) && said.contains(value), "{said}");
                }
                (Err(CoordinatorError::BadOption { value: bad, .. }), Err(())) => assert_eq!(bad, value),
                (other, _) => panic!("{value}: {other:?}"),
            }
        }
    }
}
