//! A step with an open op: what does the agent's memory say of it? Only then is anything judged or sent again.

use super::drive::{Drive, Turn};
use crate::dispatch::Looked;
use podlift_engine::machine::{Event, RunState, StepStatus};
use podlift_engine::steps::Cx;
use podlift_model::{LedgerId, OpId, OpOutcome};

/// What is known of the step's op before the step is judged.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Open {
    /// None was started since the step became pending.
    None,
    /// Written down as started, and it never was: it may be sent under the same id.
    Unsent(OpId),
    Ended,
    /// Indeterminate, and why.
    Unknown(String),
}

impl Drive {
    /// Err: the turn is over already.
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

    /// A cluster call has no memory to ask: the look that follows decides.
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

    /// The end, written once: a second one for the same op finds the step no longer waiting for it.
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
