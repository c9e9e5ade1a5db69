//! Recovers a step with an open op: asks the agent's memory about the op before the step is judged or the op is resent.

use super::entries::Entries;
use super::turn::Open;
use crate::dispatch::Looked;
use podlift_engine::machine::{RunState, StepStatus};
use podlift_engine::steps::Cx;
use podlift_model::{Failure, LedgerId, OpId, OpOutcome};

/// What the agent's memory holds of the step's op.
pub(super) enum Memory {
    /// The step can be judged.
    Settled(Open),
    /// The op has ended; its end is not in the journal yet.
    Ended(OpId, OpOutcome),
    Running,
    /// The agent does not answer.
    Silent(Failure),
}

pub(super) async fn recall(entries: &Entries, state: &RunState) -> Memory {
    match &state.steps[&entries.step.id].status {
        StepStatus::Started { op_id, ledger: Some(ledger) } => ask(entries, state, op_id, ledger).await,
        // A cluster call has no memory to ask, so the following look decides.
        StepStatus::Started { op_id, ledger: None } => Memory::Settled(Open::Unsent(op_id.clone())),
        StepStatus::Ended { outcome: OpOutcome::Indeterminate { why }, .. } => {
            Memory::Settled(Open::Unknown(why.clone()))
        }
        StepStatus::Ended { .. } => Memory::Settled(Open::Ended),
        _ => Memory::Settled(Open::None),
    }
}

async fn ask(entries: &Entries, state: &RunState, op_id: &OpId, recorded: &LedgerId) -> Memory {
    let performer = &entries.desk.performer;
    let agent = performer.agent_of_step(&Cx { state, step: &entries.step, ahead: 0, acted: false });
    let looked = match performer.agents.lookup(&agent.name, op_id).await {
        Ok(looked) => looked,
        Err(failure) => return Memory::Silent(agent.failed(failure)),
    };
    if agent.head && matches!(looked, Looked::Ended { .. }) {
        performer.head_looks.op_ended();
    }
    let now = looked.ledger();
    if now != recorded {
        let node = &agent.name;
        let why = match agent.head {
            true => format!(
                "the agent of head node {node} has no memory of the op (ledger {recorded}, now {now}): its memory is lost, or BCM has failed over to this head node"
            ),
            false => format!(
                "the agent of {node} lost its memory (ledger {recorded}, now {now}) while the op was open"
            ),
        };
        return Memory::Ended(op_id.clone(), OpOutcome::Indeterminate { why });
    }
    match looked {
        Looked::Ended { outcome, .. } => Memory::Ended(op_id.clone(), *outcome),
        Looked::Running { .. } => Memory::Running,
        Looked::Unknown { .. } => Memory::Settled(Open::Unsent(op_id.clone())),
    }
}
