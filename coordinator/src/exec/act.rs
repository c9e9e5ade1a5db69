//! Performs the one change of a step: records the intent durably, makes the change, and records its end.

use super::drive::{Drive, Moment, Turn, may_act};
use super::perform::Acted;
use super::recover::Open;
use crate::dispatch::{EPOCH_STALE, unreachable};
use podlift_engine::Act;
use podlift_engine::machine::{Event, RunStatus, StepStatus};
use podlift_model::{Failure, LedgerId, OpId, OpOutcome};
use tracing::Instrument as _;

impl Drive {
    pub(super) async fn act(&mut self, m: &Moment, act: &Act) -> Turn {
        let ledger = match self.prepare(m, act).await {
            Ok(ledger) => ledger,
            Err(turn) => return turn,
        };
        let op_id = match &m.open {
            Open::Unsent(op_id) => op_id.clone(),
            _ => match self.intend(m, ledger) {
                Some(op_id) => op_id,
                None => return Turn::After(m.policy.poll),
            },
        };
        let span = super::spans::op(&self.run, &self.step, &op_id, &m.epoch);
        let acted = tokio::select! {
            acted = self.runner.performer.act(act, &op_id, &m.epoch).instrument(span) => acted,
            // An agent finishes what it has accepted. Some calls to the cluster may stop at any point.
            () = self.aborted(), if act.node().is_none() && self.step.kind.step().interruptible() => stopped(),
        };
        match acted {
            Acted::Ended(outcome) => self.ended(&op_id, outcome),
            Acted::NotKnown(failure) => self.wait_for_agent(&m.state, &failure),
            Acted::Fenced(failure) => match self.unseated(act, failure) {
                Ok(turn) => turn,
                // The op never started, so it is over for the step.
                Err(failure) => self.ended(&op_id, OpOutcome::Failed { failure }),
            },
        }
    }

    /// Another coordinator commands. Err if the agent that reports it does not count; then only this step has failed.
    fn unseated(&self, act: &Act, failure: Failure) -> Result<Turn, Failure> {
        if let Some(node) = act.node() {
            self.runner.fence.heeds(node)?;
        }
        self.runner.fence.lose(failure.message);
        Ok(Turn::Over)
    }

    /// Checks that the agent is connected and accepts our epoch. Returns the agent's memory, which the intent names.
    async fn prepare(&mut self, m: &Moment, act: &Act) -> Result<Option<LedgerId>, Turn> {
        let Some(node) = act.node() else { return Ok(None) };
        if let Err(failure) = self.runner.performer.claim(node, &m.epoch).await {
            if failure.code == EPOCH_STALE {
                let turn = self.unseated(act, failure);
                return Err(turn.unwrap_or_else(|failure| self.fail(self.stop_reason(&m.state, &failure))));
            }
            return Err(self.wait(m, failure.message));
        }
        let ledger = self.runner.performer.agents.ledger(node);
        match ledger {
            Some(ledger) => Ok(Some(ledger)),
            None => Err(self.wait(m, unreachable(node, "it is not connected").message)),
        }
    }

    async fn aborted(&self) {
        let store = &self.runner.store;
        let mut journal = store.subscribe();
        let aborting = || store.run(&self.run).is_none_or(|s| matches!(s.status, RunStatus::Aborting { .. }));
        while !aborting() {
            if journal.changed().await.is_err() {
                return;
            }
        }
    }

    /// Records StepStarted, unless the run was paused, the node deferred or the step ended in the meantime.
    fn intend(&self, m: &Moment, ledger: Option<LedgerId>) -> Option<OpId> {
        let (attempt, op_id) = m.state.next_op(&self.step);
        let (id, op) = (self.step.id.clone(), op_id.clone());
        let written = self.write(|s| {
            let free = !matches!(
                s.steps[&id].status,
                StepStatus::Done { .. }
                    | StepStatus::Skipped { .. }
                    | StepStatus::Failed { .. }
                    | StepStatus::Started { .. }
            );
            (free && may_act(s)).then_some(Event::StepStarted {
                step: id.clone(),
                attempt,
                op_id: op,
                ledger,
            })
        });
        written.then_some(op_id)
    }
}

fn stopped() -> Acted {
    let failure = Failure::operator("aborted", "the drain was stopped because the run is being aborted");
    Acted::Ended(OpOutcome::Failed { failure })
}
