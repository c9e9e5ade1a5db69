//! Performs the one change of a step: records the intent durably, makes the change, and returns how it went.

use super::entries::Entries;
use super::perform::Acted;
use super::turn::{Basis, Open, aborting};
use crate::dispatch::{EPOCH_STALE, unreachable};
use podlift_engine::Act;
use podlift_engine::machine::{RunState, RunStatus};
use podlift_model::{Failure, LedgerId, OpId, OpOutcome, codes};
use tracing::Instrument as _;

/// How an attempt went.
pub(super) enum Attempt {
    /// The op ended. Its end is not in the journal yet.
    Ended(OpId, OpOutcome),
    /// The op may have started or not.
    NotKnown(Failure),
    /// Nothing was sent: the agent is away; the reason.
    Away(String),
    /// Nothing was sent: the agent refuses, and it does not count as the report of another coordinator.
    Refused(Failure),
    /// Nothing was sent, because the run was paused, the node deferred or the step ended in the meantime.
    NotNow,
    /// Another coordinator commands, and this one has stopped.
    Unseated,
}

pub(super) async fn attempt(entries: &Entries, basis: &Basis, act: &Act) -> Attempt {
    let ledger = match prepare(entries, basis, act).await {
        Ok(ledger) => ledger,
        Err(ended) => return ended,
    };
    let op_id = match &basis.open {
        Open::Unsent(op_id) => op_id.clone(),
        _ => {
            let (attempt, op_id) = basis.state.next_op(&entries.step);
            if !entries.started(attempt, &op_id, ledger) {
                return Attempt::NotNow;
            }
            op_id
        }
    };
    match send(entries, basis, act, &op_id).await {
        Acted::Ended(outcome) => Attempt::Ended(op_id, outcome),
        Acted::NotKnown(failure) => Attempt::NotKnown(failure),
        Acted::Fenced(failure) => match unseated(entries, act, failure) {
            Ok(()) => Attempt::Unseated,
            // The op never started, so it is over for the step.
            Err(failure) => Attempt::Ended(op_id, OpOutcome::Failed { failure }),
        },
    }
}

async fn send(entries: &Entries, basis: &Basis, act: &Act, op_id: &OpId) -> Acted {
    let span = super::spans::op(&entries.run, &entries.step, op_id, &basis.epoch);
    tokio::select! {
        acted = entries.desk.performer.act(act, op_id, &basis.epoch).instrument(span) => acted,
        // An agent finishes what it has accepted. Some calls to the cluster may stop at any point.
        outcome = stopped(entries), if act.node().is_none() && entries.step.kind.step().interruptible() => {
            Acted::Ended(outcome)
        }
    }
}

/// Another coordinator commands, so this one stops. Err if the agent that reports it does not count; then only this step has failed.
fn unseated(entries: &Entries, act: &Act, failure: Failure) -> Result<(), Failure> {
    match entries.desk.performer.agent_of(act) {
        // Only control-plane nodes have a vote.
        Some(agent) if agent.head => {
            let code = codes::EPOCH_REFUSED;
            return Err(Failure::operator(code, format!("head node {}: {}", agent.name, failure.message)));
        }
        Some(agent) => entries.desk.fence.heeds(&agent.name)?,
        None => {}
    }
    entries.desk.fence.lose(failure.message);
    Ok(())
}

/// Checks that the agent is connected and accepts our epoch. Returns the agent's memory, which the intent names.
async fn prepare(entries: &Entries, basis: &Basis, act: &Act) -> Result<Option<LedgerId>, Attempt> {
    let performer = &entries.desk.performer;
    let Some(agent) = performer.agent_of(act) else { return Ok(None) };
    if let Err(failure) = performer.claim(&agent.name, &basis.epoch).await {
        if failure.code != EPOCH_STALE {
            return Err(Attempt::Away(agent.failed(failure).message));
        }
        return Err(unseated(entries, act, failure).map_or_else(Attempt::Refused, |()| Attempt::Unseated));
    }
    if agent.head {
        entries.head_acts(&agent.name);
    }
    let away = || agent.failed(unreachable(&agent.name, "it is not connected")).message;
    performer.agents.ledger(&agent.name).map(Some).ok_or_else(|| Attempt::Away(away()))
}

/// Returns why a change that may stop at any point has to stop: the run is being aborted or pauses at once, or the run goes on without the
/// node.
async fn stopped(entries: &Entries) -> OpOutcome {
    let mut journal = entries.desk.store.subscribe();
    loop {
        let failure = match entries.state() {
            None => Some(Failure::operator(codes::ABORTED, "the drain was stopped because the run is gone")),
            Some(state) => stop(entries, &state),
        };
        if let Some(failure) = failure {
            return OpOutcome::Failed { failure };
        }
        if journal.changed().await.is_err() {
            let failure = Failure::operator(codes::DRAIN_STOPPED, "the coordinator stops");
            return OpOutcome::Failed { failure };
        }
    }
}

fn stop(entries: &Entries, state: &RunState) -> Option<Failure> {
    let why =
        |code: &str, why: &str| Some(Failure::operator(code, format!("the drain was stopped because {why}")));
    if aborting(state) {
        return why(codes::ABORTED, "the run is being aborted");
    }
    if matches!(state.status, RunStatus::Paused { .. }) && state.pauses_now {
        return why(
            codes::DRAIN_STOPPED,
            "the run pauses at once; the pods that are gone stay gone, and the step goes on after podlift resume",
        );
    }
    let node = entries.step.node.as_ref()?;
    state
        .goes_without(node)
        .then(|| why(codes::DRAIN_STOPPED, &format!("the run goes on without {node}")))
        .flatten()
}
