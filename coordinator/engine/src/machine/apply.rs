//! From a state and an event: the next state, or a typed refusal. An event that does not fit is refused and never ignored.

use super::approval;
use super::chain::Record;
use super::event::Event;
use super::state::{Healed, Outage, RunState, RunStatus, Seal};
use super::step::{StepState, StepStatus};
use super::track::Track;
use crate::program::{Attestation, Evidence, Lane, Phase, Program, StepSpec};
use crate::steps::Touches;
use jiff::Timestamp;
use podlift_model::{NodeName, OpId, OpOutcome, RunId, StepId};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalEvent {
    #[error("{event} before the run was started")]
    NotStarted { event: &'static str },
    #[error("run {run} was started already")]
    StartedTwice { run: RunId },
    #[error("run {run} is over: {event} can't happen any more")]
    Over { run: RunId, event: &'static str },
    #[error("step {step} is not in the plan")]
    UnknownStep { step: StepId },
    #[error("{event} of step {step}: not possible while it is {status}")]
    Step { step: StepId, event: &'static str, status: &'static str },
    #[error("op {op_id} is not the open op of step {step}")]
    WrongOp { step: StepId, op_id: OpId },
    #[error("step {step} may not start: the backup is not sealed")]
    BackupNotSealed { step: StepId },
    #[error("{event}: not possible while the run is {status}")]
    Status { event: &'static str, status: &'static str },
    #[error("node {node} is not in the plan")]
    UnknownNode { node: NodeName },
    #[error("node {node} is not deferred")]
    NotDeferred { node: NodeName },
}

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
            | Event::EpochClaimed { .. }
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

fn start(run: &RunId, at: Timestamp, plan: &Program, by: &str) -> RunState {
    let steps = plan.steps().map(|s| (s.id.clone(), StepState::pending())).collect();
    RunState {
        track: Track::new(plan, &steps),
        run: run.clone(),
        by: by.into(),
        started: at,
        last: at,
        ended: None,
        status: RunStatus::Running,
        steps,
        waivers: plan.waivers.clone(),
        deferred: BTreeMap::new(),
        attestations: plan.attestations.clone(),
        seal: None,
        heals: vec![],
        outages: vec![],
        probed: Default::default(),
        indeterminate: vec![],
        approved: BTreeMap::new(),
        events: 1,
        plan: plan.clone().into(),
    }
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
    let mut unknown = false;
    let step = s.steps.get_mut(&id).ok_or_else(|| IllegalEvent::UnknownStep { step: id.clone() })?;
    let illegal = |status: &'static str| IllegalEvent::Step { step: id.clone(), event: event.name(), status };
    match (&step.status, event) {
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
            step.ended = Some(at);
        }
        _ => return Err(illegal("in this state")),
    }
    step.began.get_or_insert(at);
    s.track.look_again(&s.plan, &s.steps, &spec.id);
    if unknown {
        // The root cause comes first at every new attempt: a heal or another writer may have acted while the op was open.
        reset(s, |spec, _| spec.kind.step().looks_again_on_retry());
    }
    Ok(())
}

fn run_event(s: &mut RunState, at: Timestamp, event: &Event) -> Result<(), IllegalEvent> {
    let refuse = |status: &'static str| IllegalEvent::Status { event: event.name(), status };
    match event {
        Event::RunPaused { reason, .. } => match s.status {
            RunStatus::Running => s.status = RunStatus::Paused { reason: reason.clone() },
            _ => return Err(refuse("not running")),
        },
        Event::RunResumed { .. } => {
            let RunStatus::Paused { .. } = &s.status else { return Err(refuse("not paused")) };
            s.status = RunStatus::Running;
        }
        Event::Approved { .. } => match &s.status {
            RunStatus::Paused { reason } if reason.code == approval::CODE => {
                s.status = RunStatus::Running;
                approval::approve(s);
            }
            _ => return Err(refuse("not waiting for an approval")),
        },
        Event::EarlierLost { step, again, .. } => earlier_lost(s, step, again)?,
        Event::RetryAsked { step, repair_dpkg, .. } => retry(s, step.as_ref(), *repair_dpkg)?,
        Event::WaiverLifted { check, .. } => {
            s.waivers.retain(|w| w.check != *check);
            reset(s, |spec, _| spec.kind.step().looks_again_on_retry());
        }
        Event::NodeDeferred { node, reason, .. } => defer(s, node, reason)?,
        Event::NodeIncluded { node, .. } => include(s, node)?,
        Event::AbortAsked { by, reason } => match s.status {
            RunStatus::Running | RunStatus::Paused { .. } => {
                s.status = RunStatus::Aborting { by: by.clone(), reason: reason.clone() };
            }
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
            said.put_into(&mut s.attestations);
        }
        Event::Healed { heal } => s.heals.push(Healed { at, heal: heal.clone() }),
        Event::ApiDown { endpoint, why } => {
            s.outages.push(Outage {
                endpoint: endpoint.clone(),
                from: at,
                why: why.clone(),
                milliseconds: None,
            });
        }
        Event::ApiProbed { endpoint, counts } => s.probed.entry(endpoint.clone()).or_default().add(counts),
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

/// Sets failed steps, and every step before them in their lanes, back to pending. A step whose goal still holds is done at the next look.
fn retry(s: &mut RunState, only: Option<&StepId>, repair_dpkg: bool) -> Result<(), IllegalEvent> {
    if let Some(step) = only {
        let status = s.steps.get(step).ok_or_else(|| IllegalEvent::UnknownStep { step: step.clone() })?;
        if !matches!(status.status, StepStatus::Failed { .. }) {
            return Err(IllegalEvent::Step {
                step: step.clone(),
                event: "retry-asked",
                status: "not failed",
            });
        }
    }
    let failed =
        |id: &StepId| only.is_none_or(|o| o == id) && matches!(s.steps[id].status, StepStatus::Failed { .. });
    let mut again: Vec<StepId> = s.plan.phases.iter().flat_map(|phase| phase_again(phase, &failed)).collect();
    let rested = s.plan.steps().filter(|spec| failed(&spec.id)).flat_map(|spec| {
        let verbs: Vec<String> = spec.kind.step().rests_on().iter().map(ToString::to_string).collect();
        earlier(&s.plan, spec, &verbs)
    });
    again.extend(rested.collect::<Vec<_>>());
    reset(s, |spec, _| again.contains(&spec.id) || spec.kind.step().looks_again_on_retry());
    for id in again {
        if let Some(step) = s.steps.get_mut(&id) {
            step.repair_dpkg = repair_dpkg;
        }
    }
    if matches!(s.status, RunStatus::Paused { .. }) {
        s.status = RunStatus::Running;
    }
    Ok(())
}

/// Steps before this one, of its node or of the cluster, with one of these verbs.
fn earlier(plan: &Program, spec: &StepSpec, verbs: &[String]) -> Vec<StepId> {
    let mine = |x: &&StepSpec| {
        x.number < spec.number
            && (x.node == spec.node || x.node.is_none())
            && verbs.contains(&x.kind.step().verb())
    };
    plan.steps().filter(mine).map(|x| x.id.clone()).collect()
}

/// The earlier steps and the step itself are pending again. An open op can't be lost, so the step may not have one.
fn earlier_lost(s: &mut RunState, id: &StepId, verbs: &[String]) -> Result<(), IllegalEvent> {
    let unknown = || IllegalEvent::UnknownStep { step: id.clone() };
    let spec = s.spec(id).cloned().ok_or_else(unknown)?;
    let illegal = |status| IllegalEvent::Step { step: id.clone(), event: "earlier-lost", status };
    let step = s.steps.get_mut(id).ok_or_else(unknown)?;
    match step.status {
        StepStatus::Started { .. } => return Err(illegal("started")),
        StepStatus::Done { .. } | StepStatus::Skipped { .. } => return Err(illegal("over")),
        _ => (step.status, step.acted) = (StepStatus::Pending, false),
    }
    step.redone += 1;
    let again = earlier(&s.plan, &spec, verbs);
    reset(s, |x, _| again.contains(&x.id));
    Ok(())
}

/// Steps of a phase that are judged again: in a lane, all up to its failed step. If a step that judges the phase as a whole has failed, all
/// steps of all lanes, because the cause may be in any of them.
fn phase_again(phase: &Phase, failed: &impl Fn(&StepId) -> bool) -> Vec<StepId> {
    let last = |lane: &Lane| lane.steps.iter().rposition(|step| failed(&step.id));
    let whole = phase.lanes.iter().any(|lane| lane.node.is_none() && last(lane).is_some());
    let chosen = phase.lanes.iter().flat_map(|lane| match (whole, last(lane)) {
        (true, _) => lane.steps.as_slice(),
        (false, Some(i)) => &lane.steps[..=i],
        (false, None) => &[],
    });
    chosen.map(|step| step.id.clone()).collect()
}

fn reset(s: &mut RunState, which: impl Fn(&StepSpec, &StepState) -> bool) {
    let chosen = s.plan.steps().filter(|spec| s.steps.get(&spec.id).is_some_and(|step| which(spec, step)));
    let ids: Vec<StepId> = chosen.map(|spec| spec.id.clone()).collect();
    for id in ids {
        if let Some(step) = s.steps.get_mut(&id).filter(|step| !step.is_open()) {
            step.status = StepStatus::Pending;
            step.ended = None;
            // A change of an earlier attempt does not count for this one.
            (step.acted, step.redone) = (false, 0);
        }
    }
    s.track.look_at_all(&s.plan, &s.steps);
}

fn defer(s: &mut RunState, node: &NodeName, reason: &str) -> Result<(), IllegalEvent> {
    if !s.plan.inventory.nodes.iter().any(|n| n.name == *node) {
        return Err(IllegalEvent::UnknownNode { node: node.clone() });
    }
    s.deferred.insert(node.clone(), reason.into());
    let ids: Vec<StepId> = s.steps_of(node).map(|(spec, _)| spec.id.clone()).collect();
    for id in ids {
        if let Some(step) = s.steps.get_mut(&id).filter(|step| !step.is_over()) {
            if let StepStatus::Started { op_id, .. } = &step.status {
                let why = format!("its node was deferred while it was open: {reason}");
                s.indeterminate.push((id, op_id.clone(), why));
            }
            step.status = StepStatus::Skipped { reason: format!("node deferred: {reason}") };
        }
    }
    s.track.look_at_all(&s.plan, &s.steps);
    Ok(())
}

/// Ends the deferral of a node: its skipped steps are pending again.
fn include(s: &mut RunState, node: &NodeName) -> Result<(), IllegalEvent> {
    s.deferred.remove(node).ok_or_else(|| IllegalEvent::NotDeferred { node: node.clone() })?;
    reset(s, |spec, step| {
        spec.node.as_ref() == Some(node) && matches!(step.status, StepStatus::Skipped { .. })
    });
    Ok(())
}
