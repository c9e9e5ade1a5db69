//! What one step writes into the journal. Each entry is decided on the state under the journal's lock, so that an entry that no longer fits
//! is not written: a late end changes nothing, and a step that is over stays over.

use super::desk::Desk;
use podlift_engine::StepSpec;
use podlift_engine::machine::{Event, RunState, RunStatus, StepStatus};
use podlift_engine::program::{Evidence, StopReason};
use podlift_model::{LedgerId, NodeName, OpId, OpOutcome, RunId};
use std::sync::Arc;

pub(super) struct Entries {
    pub desk: Arc<Desk>,
    pub run: RunId,
    pub step: StepSpec,
}

fn is_over(status: &StepStatus) -> bool {
    matches!(status, StepStatus::Done { .. } | StepStatus::Skipped { .. } | StepStatus::Failed { .. })
}

impl Entries {
    pub fn state(&self) -> Option<Arc<RunState>> {
        self.desk.store.run(&self.run)
    }

    /// Appends the event that `decide` returns for the step's status.
    fn write(&self, decide: impl FnOnce(&RunState, &StepStatus) -> Option<Event>) -> bool {
        self.desk.write(&self.run, |state| decide(state, &state.steps[&self.step.id].status))
    }

    /// The intent to send an op; not if the run was paused, the node deferred or the step ended in the meantime.
    pub fn started(&self, attempt: u32, op_id: &OpId, ledger: Option<LedgerId>) -> bool {
        self.write(|state, status| {
            let free = !is_over(status) && !matches!(status, StepStatus::Started { .. });
            (free && state.may_act(&self.step.id)).then(|| Event::StepStarted {
                step: self.step.id.clone(),
                attempt,
                op_id: op_id.clone(),
                ledger,
            })
        })
    }

    /// The end of an op. A second end of the same op is not written, because the step no longer waits for it.
    pub fn ended(&self, op_id: &OpId, outcome: OpOutcome) -> bool {
        self.write(|_, status| match status {
            StepStatus::Started { op_id: open, .. } if open == op_id => {
                Some(Event::OpEnded { step: self.step.id.clone(), op_id: op_id.clone(), outcome })
            }
            _ => None,
        })
    }

    /// BCM has failed over since the plan was made, so that the ops of the head node go to another agent from here on.
    pub fn head_acts(&self, head: &NodeName) {
        self.desk.write(&self.run, |state| {
            (state.head() != Some(head)).then(|| Event::HeadActs { head: head.clone() })
        });
    }

    pub fn waits(&self, reason: &str) {
        self.write(|_, status| match status {
            StepStatus::Waiting { reason: before } if before == reason => None,
            status if is_over(status) => None,
            _ => Some(Event::StepWaiting { step: self.step.id.clone(), reason: reason.into() }),
        });
    }

    /// What earlier steps gave is gone, so that they are done again.
    pub fn lost(&self, again: Vec<String>, reason: String) {
        self.write(|state, status| {
            let free = !is_over(status) && !matches!(status, StepStatus::Started { .. });
            (free && state.may_act(&self.step.id)).then(|| Event::EarlierLost {
                step: self.step.id.clone(),
                again,
                reason,
            })
        });
    }

    pub fn done(&self, evidence: Evidence) {
        self.write(|state, _| {
            let over = state.steps[&self.step.id].is_over();
            (!over).then(|| Event::StepDone { step: self.step.id.clone(), evidence })
        });
    }

    pub fn failed(&self, reason: StopReason) {
        tracing::warn!(run = %self.run, step = %self.step.id, code = reason.code, reason.message, "step failed");
        self.write(|_, status| {
            (!is_over(status)).then(|| Event::StepFailed { step: self.step.id.clone(), reason })
        });
    }

    /// The pause of a running run for this step's sake.
    pub fn paused(&self, reason: StopReason) {
        self.write(|state, _| {
            (state.status == RunStatus::Running).then_some(Event::RunPaused { reason, by: None, now: false })
        });
    }
}
