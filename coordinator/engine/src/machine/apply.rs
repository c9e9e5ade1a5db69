//! From a state and an event: the next state, or a typed refusal. An event that does not fit is refused and never ignored.

use super::again::{
    bring_settings, defer, earlier_lost, include, lose, reset, retry, root_cause, set_aside, undone,
};
use super::batch::{BatchWait, ChosenBatch};
use super::chain::Record;
use super::event::Event;
use super::illegal::IllegalEvent;
use super::probed::ProbeKind;
use super::start::start;
use super::state::{Approval, Healed, Lifted, Outage, Overridden, RunState, RunStatus, Seal};
use super::step::StepStatus;
use super::words::Note;
use super::{accepted, admission, approval, budget, item, learned, leave, lost, set_option};
use crate::program::{Attestation, Evidence, Waiver};
use crate::steps::Touches;
use jiff::Timestamp;
use podlift_model::{OpOutcome, RunId, StepId};

/// The author of events that the coordinator decides by itself.
const PODLIFT: &str = "podlift";

/// The state after all records of one run; `None` if the records have no start.
pub fn fold<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<Option<RunState>, IllegalEvent> {
    let mut state = None;
    for record in records {
        if let Some(run) = &record.run {
            state = Some(apply(state, run, record.at, &record.event)?);
        }
    }
    Ok(state)
}

/// The next state, or a refusal.
pub fn apply(
    state: Option<RunState>,
    run: &RunId,
    at: Timestamp,
    event: &Event,
) -> Result<RunState, IllegalEvent> {
    match (state, event) {
        (None, Event::RunStarted { plan, by }) => Ok(start(run, at, plan, by)),
        (None, _) => Err(IllegalEvent::NotStarted { event: event.name() }),
        (Some(mut s), _) => advance(&mut s, at, event).map(|()| s),
    }
}

/// Like `apply`, in place. A refused event leaves the state unchanged.
pub fn advance(s: &mut RunState, at: Timestamp, event: &Event) -> Result<(), IllegalEvent> {
    let run = s.run.clone();
    if let Event::RunStarted { .. } = event {
        return Err(IllegalEvent::StartedTwice { run });
    }
    let observed = matches!(
        event,
        Event::Healed { .. }
            | Event::ApiUp { .. }
            | Event::ApiDown { .. }
            | Event::AgentConnected { .. }
            | Event::AgentLost { .. }
            | Event::LedgerChanged { .. }
            | Event::MachineRefused { .. }
            | Event::NodeUndone { .. }
            | Event::EpochClaimed { .. }
            | Event::ObjectLost { .. }
            | Event::MendStarted { .. }
            | Event::MendEnded { .. }
            | Event::SentinelSaw { .. }
            | Event::SentinelCleared { .. }
            | Event::ReportNote { .. }
    );
    if s.is_over() && !observed {
        return Err(IllegalEvent::Over { run, event: event.name() });
    }
    match event {
        Event::StepStarted { .. }
        | Event::OpEnded { .. }
        | Event::StepWaiting { .. }
        | Event::StepDone { .. }
        | Event::StepFailed { .. } => {
            step_event(s, at, event)?;
        }
        _ => run_event(s, at, event)?,
    }
    s.last = at;
    s.events += 1;
    Ok(())
}

fn step_event(s: &mut RunState, at: Timestamp, event: &Event) -> Result<(), IllegalEvent> {
    let id = match event {
        Event::StepStarted { step, .. }
        | Event::OpEnded { step, .. }
        | Event::StepWaiting { step, .. }
        | Event::StepDone { step, .. }
        | Event::StepFailed { step, .. } => step.clone(),
        _ => return Ok(()),
    };
    let spec = s.spec(&id).cloned().ok_or_else(|| IllegalEvent::UnknownStep { step: id.clone() })?;
    if matches!(event, Event::StepStarted { .. })
        && spec.kind.step().touches() == Touches::Cluster
        && s.seal.is_none()
    {
        return Err(IllegalEvent::BackupNotSealed { step: id });
    }
    let (mut unknown, continued) = (false, s.continued);
    let step = s.steps.get_mut(&id).ok_or_else(|| IllegalEvent::UnknownStep { step: id.clone() })?;
    let illegal = |status: &'static str| IllegalEvent::Step { step: id.clone(), event: event.name(), status };
    match (&step.status, event) {
        // The op of a node without which the run goes on has ended after all: the step stays as it is.
        (StepStatus::Skipped { .. }, Event::OpEnded { op_id, outcome, .. })
            if s.indeterminate.iter().any(|(of, op, _)| *of == id && op == op_id) =>
        {
            step.acted |= matches!(outcome, OpOutcome::Done { .. });
            step.ever_acted |= step.acted;
            if !matches!(outcome, OpOutcome::Indeterminate { .. }) {
                s.indeterminate.retain(|(of, op, _)| *of != id || op != op_id);
            }
        }
        (StepStatus::Done { .. } | StepStatus::Skipped { .. }, _) => return Err(illegal("over")),
        (StepStatus::Failed { .. }, _) => return Err(illegal("failed")),
        (StepStatus::Started { .. }, Event::StepStarted { .. }) => return Err(illegal("started")),
        (_, Event::StepStarted { attempt, op_id, ledger, .. }) => {
            step.attempts = *attempt;
            step.status = StepStatus::Started { op_id: op_id.clone(), ledger: ledger.clone() };
        }
        (StepStatus::Started { op_id: open, .. }, Event::OpEnded { op_id, outcome, .. }) => {
            if open != op_id {
                return Err(IllegalEvent::WrongOp { step: id, op_id: op_id.clone() });
            }
            step.acted |= matches!(outcome, OpOutcome::Done { .. });
            step.ever_acted |= step.acted;
            step.status = StepStatus::Ended { op_id: op_id.clone(), outcome: outcome.clone() };
            if let OpOutcome::Indeterminate { why } = outcome {
                s.indeterminate.push((id, op_id.clone(), why.clone()));
                unknown = true;
            }
        }
        (_, Event::OpEnded { .. }) => return Err(illegal("without an open op")),
        // A reason to wait must not hide an open op.
        (StepStatus::Started { .. } | StepStatus::Ended { .. }, Event::StepWaiting { .. }) => {}
        (_, Event::StepWaiting { reason, .. }) => {
            step.status = StepStatus::Waiting { reason: reason.clone() }
        }
        (_, Event::StepDone { evidence, .. }) => {
            step.status = StepStatus::Done { evidence: evidence.clone() };
            step.ended = Some(at);
            if let (true, Evidence::BackupSealed { hash, revision, .. }) =
                (spec.kind.step().seals(), evidence)
            {
                s.seal = Some(Seal { hash: hash.clone(), revision: *revision, at });
            }
        }
        (_, Event::StepFailed { reason, .. }) => {
            step.status = StepStatus::Failed { reason: reason.clone() };
            (step.ended, step.parked) = (Some(at), false);
            step.last_failure = Some(reason.code.clone());
        }
        _ => return Err(illegal("in this state")),
    }
    step.begins(at, continued);
    s.track.look_again(&s.plan, &s.steps, &spec.id);
    match event {
        Event::StepDone { .. } => {
            learned::done(s, &spec, at);
            admission::ended(s, &spec.id);
        }
        Event::StepWaiting { .. } => admission::passed(s, &spec),
        Event::StepStarted { .. } => admission::evicts(s, at, &spec),
        _ => {}
    }
    if unknown {
        // The root cause comes first at every new attempt: a heal or another writer may have acted while the op was open.
        let causes: Vec<StepId> =
            s.plan.steps().filter(|spec| root_cause(s, spec)).map(|spec| spec.id.clone()).collect();
        reset(s, |spec, _| causes.contains(&spec.id));
    }
    Ok(())
}

/// The run goes on after a pause.
pub(super) fn runs(s: &mut RunState) {
    s.status = RunStatus::Running;
    s.pauses_now = false;
    s.continued += 1;
    admission::give_back(s);
}

/// A question about jobs is put anew when what it rests on has changed.
fn ask_anew(s: &mut RunState) {
    if approval::is_about_jobs(&s.status) {
        runs(s);
    }
}

fn run_event(s: &mut RunState, at: Timestamp, event: &Event) -> Result<(), IllegalEvent> {
    let refuse = |status: &'static str| IllegalEvent::Status { event: event.name(), status };
    match event {
        Event::RunPaused { reason, now, .. } => match s.status {
            RunStatus::Running => {
                let by_name = item::awaited(s).is_some();
                if reason.code == approval::CODE && reason.detail.is_empty() && !by_name {
                    s.asked = approval::asked(s);
                }
                s.status = RunStatus::Paused { reason: reason.clone() };
                s.pauses_now = *now;
            }
            // Lanes that have begun may be stopped later than the run; the reason of the pause stays.
            RunStatus::Paused { .. } if *now && !s.pauses_now => s.pauses_now = true,
            RunStatus::Paused { .. } => return Err(refuse("paused already")),
            _ => return Err(refuse("not running")),
        },
        Event::RunResumed { .. } => {
            let RunStatus::Paused { reason } = s.status.clone() else { return Err(refuse("not paused")) };
            if budget::is_taken(&reason) {
                s.goes_on_without.extend(s.set_aside.keys().cloned());
            }
            leave::accept(s, &reason);
            runs(s);
        }
        Event::Approved { by, what } => match &s.status {
            RunStatus::Paused { reason } if reason.code == approval::CODE && item::awaited(s).is_some() => {
                return Err(refuse("waiting for an item by name"));
            }
            RunStatus::Paused { reason } if reason.code == approval::CODE => {
                // A question about jobs names them in its detail (`choose`), and approves no lanes.
                let jobs: Vec<String> = reason.detail.lines().map(String::from).collect();
                runs(s);
                match jobs.is_empty() {
                    true => approval::approve(s),
                    false => s.agreed.extend(jobs.into_iter().map(|job| (job, at))),
                }
                s.approvals.push(Approval { by: by.clone(), what: what.clone(), at });
            }
            _ => return Err(refuse("not waiting for an approval")),
        },
        Event::EarlierLost { step, again, .. } => earlier_lost(s, step, again)?,
        Event::RetryAsked { step, repair_dpkg, .. } => {
            retry(s, step.as_ref(), *repair_dpkg)?;
            match s.status {
                RunStatus::Paused { .. } => runs(s),
                _ => s.continued += 1,
            }
        }
        Event::DevicesOverridden { node, reason, by } => {
            if s.plan.inventory.get(node).is_none() {
                return Err(IllegalEvent::UnknownNode { node: node.clone() });
            }
            let said = Overridden { node: node.clone(), reason: reason.clone(), by: by.clone(), at };
            s.overrides.insert(node.clone(), reason.clone());
            s.overridden.push(said);
        }
        Event::WaiverLifted { check, by } => {
            s.lifted.push(Lifted { check: check.clone(), by: by.clone(), at });
            let lifted: Vec<Waiver> = s.waivers.iter().filter(|w| w.check == *check).cloned().collect();
            s.waivers.retain(|w| w.check != *check);
            lifted.iter().for_each(|waiver| bring_settings(s, waiver));
        }
        Event::NodeDeferred { node, reason, by, until } => {
            defer(s, node, reason)?;
            s.deferred_until.remove(node);
            s.deferred_until.extend(until.map(|time| (node.clone(), time)));
            if by == PODLIFT {
                s.gave_up.insert(node.clone());
            }
            ask_anew(s);
        }
        Event::BatchChosen { number, phase, nodes, why, reasons, interrupts, gpu_seconds, jobs } => {
            let batch = ChosenBatch {
                number: *number,
                at,
                phase: phase.clone(),
                nodes: nodes.clone(),
                why: why.clone(),
                reasons: reasons.clone(),
                interrupts: interrupts.clone(),
                gpu_seconds: *gpu_seconds,
                jobs: jobs.clone(),
            };
            admission::chosen(s, batch)?;
        }
        Event::BatchLeft { nodes, why } => leave::record(s, nodes, why)?,
        Event::BatchWaits { why, until } => {
            admission::waits(s, at, BatchWait { why: why.clone(), until: *until });
        }
        Event::NodeUndone { node, left, .. } => undone(s, node, left)?,
        Event::NodeIncluded { node, .. } => include(s, node)?,
        Event::NodeSetAside { node, step, reason } => set_aside(s, at, node, step, reason)?,
        Event::NodeLost { node, by } => {
            lose(s, node, by)?;
            ask_anew(s);
        }
        Event::OptionSet { name, value, .. } => {
            set_option::set(s, name, value)?;
            ask_anew(s);
        }
        Event::AbortAsked { by, reason } => match s.status {
            RunStatus::Running | RunStatus::Paused { .. } => {
                s.status = RunStatus::Aborting { by: by.clone(), reason: reason.clone() };
            }
            RunStatus::Aborting { .. } if !s.undo_stopped => s.undo_stopped = true,
            _ => return Err(refuse("aborting already")),
        },
        Event::RunAborted { undone, left } => match s.status {
            RunStatus::Aborting { .. } => {
                s.status = RunStatus::Aborted { undone: undone.clone(), left: left.clone() };
                s.ended = Some(at);
            }
            _ => return Err(refuse("not aborting")),
        },
        Event::RunSucceeded => match s.status {
            RunStatus::Running if s.track.phase().is_none() => {
                s.status = RunStatus::Succeeded;
                s.ended = Some(at);
            }
            _ => return Err(refuse("not at its end")),
        },
        Event::Attested { name, by, note } => {
            let said = Attestation { id: name.clone(), by: by.clone(), at, note: note.clone() };
            accepted::record(s, &said);
            said.put_into(&mut s.attestations);
        }
        Event::HeadActs { head } => s.head = Some(head.clone()),
        Event::Healed { heal } => s.heals.push(Healed { at, heal: heal.clone() }),
        Event::ApiDown { endpoint, why } => {
            s.outages.push(Outage {
                endpoint: endpoint.clone(),
                from: at,
                why: why.clone(),
                milliseconds: None,
            });
        }
        Event::ApiProbed { endpoint, kind, counts } => {
            let of_kind = match kind {
                ProbeKind::Read => &mut s.probed,
                ProbeKind::Write => &mut s.writes,
                ProbeKind::Watch => &mut s.watches,
            };
            of_kind.entry(endpoint.clone()).or_default().add(counts);
        }
        Event::ItemApproved { item, by } => item::decide(s, at, item, by, None)?,
        Event::ItemRefused { item, reason, by } => item::decide(s, at, item, by, Some(reason))?,
        Event::ObjectLost { .. } | Event::MendStarted { .. } | Event::MendEnded { .. } => {
            lost::hear(&mut s.lost_objects, at, event);
        }
        Event::ReportNote { text, by } => {
            s.note = Some(Note { text: text.clone(), by: by.clone(), at });
        }
        Event::ApiUp { endpoint, milliseconds } => {
            let open =
                s.outages.iter_mut().rev().find(|o| o.endpoint == *endpoint && o.milliseconds.is_none());
            if let Some(outage) = open {
                outage.milliseconds = Some(*milliseconds);
            }
        }
        _ => {}
    }
    Ok(())
}
