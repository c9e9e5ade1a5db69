//! Why an event is refused.

use crate::program::Item;
use podlift_model::{NodeName, OpId, RunId, StepId};

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
    #[error("option {name} can't be {value:?}: expected {expected}")]
    Option { name: String, value: String, expected: &'static str },
    #[error("batch {number} can't be chosen: {why}")]
    Batch { number: u32, why: String },
    #[error(
        "item {item} is not known: expected one of {expected}",
        expected = Item::ALL.map(Item::name).join(", ")
    )]
    UnknownItem { item: String },
    #[error("node {node} is not deferred")]
    NotDeferred { node: NodeName },
}
