//! Recovers a step with an open op: asks the agent's memory about the op before the step is judged or the op is resent.

use super::drive::{Drive, Turn};
use crate::dispatch::Looked;
use podlift_engine::machine::{Event, RunState, StepStatus};
use podlift_engine::steps::Cx;
use podlift_model::{LedgerId, OpId, OpOutcome};

/// What is known of the step's op before the step is judged.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Open {
    /// No op was started since the step became pending.
    None,
    /// The op is recorded as started but never started. It may be sent under the same id.
    Unsent(OpId),
    Ended,
    /// The end is indeterminate; the reason.
    Unknown(String),
}

impl Drive {
    /// Err if the turn is over already.
    pub(super) async fn settle(&mut self, state: &RunState) -> Result<Open, Turn> {
        match &state.steps[&self.step.id].status {
            StepStatus::Started { op_id, ledger } => self.ask(state, op_id, ledger.as_ref()).await,
            StepStatus::Ended { outcome: OpOutcome::Indeterminate { why }, .. } => {
                Ok(Open::Unknown(why.clone()))
            }
            StepStatus::Ended { .. } => Ok(Open::Ended),
            _ => Ok(Open::None),
        }
    }

    /// A cluster call has no memory to ask, so the following look decides.
    async fn ask(&mut self, state: &RunState, op_id: &OpId, ledger: Option<&LedgerId>) -> Result<Open, Turn> {
        let Some(recorded) = ledger else { return Ok(Open::Unsent(op_id.clone())) };
        let cx = Cx { state, step: &self.step, ahead: 0, acted: false };
        let node = cx.node();
        let looked = match self.runner.performer.agents.lookup(&node, op_id).await {
            Ok(looked) => looked,
            Err(failure) => return Err(self.wait_for_agent(state, &failure)),
        };
        if looked.ledger() != recorded {
            let now = looked.ledger();
            let why = format!(
                "the agent of {node} lost its memory (ledger {recorded}, now {now}) while the op was open"
            );
            return Err(self.ended(op_id, OpOutcome::Indeterminate { why }));
        }
        match looked {
            Looked::Ended { outcome, .. } => Err(self.ended(op_id, outcome)),
            Looked::Running { .. } => Err(Turn::After(self.runner.settings.poll)),
            Looked::Unknown { .. } => Ok(Open::Unsent(op_id.clone())),
        }
    }

    /// Records the end once. A second end for the same op changes nothing, because the step no longer waits for it.
    pub(super) fn ended(&self, op_id: &OpId, outcome: OpOutcome) -> Turn {
        let (id, op_id) = (self.step.id.clone(), op_id.clone());
        let written = self.write(|s| match &s.steps[&id].status {
            StepStatus::Started { op_id: open, .. } if *open == op_id => {
                Some(Event::OpEnded { step: id.clone(), op_id, outcome })
            }
            _ => None,
        });
        if written { Turn::Now } else { Turn::After(self.runner.settings.poll) }
    }
}
