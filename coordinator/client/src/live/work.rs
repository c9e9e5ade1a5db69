//! The steps of a run that are at work, wait or failed.

use super::Live;
use podlift_engine::machine::{Next, RunState, StepStatus, next};
use podlift_engine::program::StepSpec;

/// Ordered by what needs a person first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkState {
    Failed,
    Waiting,
    Working,
}

impl WorkState {
    /// The word that the status of a node has for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Working => "working",
        }
    }
}

/// A step and why it stands where it stands.
#[derive(Debug, Clone)]
pub struct Work {
    pub step: StepSpec,
    pub state: WorkState,
    /// The failure, what the step waits for, or the last output of its op.
    pub reason: String,
}

impl Live {
    /// Failed steps first, then waiting ones, each in the order of the plan.
    pub fn work(&self) -> Vec<Work> {
        let Some(run) = &self.run else { return vec![] };
        let mut all: Vec<Work> = current(run).into_iter().map(|step| self.described(run, step)).collect();
        all.sort_by_key(|w| (w.state, w.step.number));
        all.dedup_by_key(|w| w.step.number);
        all
    }

    fn described(&self, run: &RunState, step: StepSpec) -> Work {
        let (state, reason) = match run.steps.get(&step.id).map(|s| &s.status) {
            Some(StepStatus::Failed { reason }) => (WorkState::Failed, reason.message.clone()),
            Some(StepStatus::Waiting { reason }) => (WorkState::Waiting, reason.clone()),
            Some(StepStatus::Ended { .. }) => (WorkState::Working, "op ended, now verifying".into()),
            Some(StepStatus::Started { .. }) => (WorkState::Working, self.last_output(&step)),
            _ => (WorkState::Working, "checks whether it is done".into()),
        };
        Work { step, state, reason }
    }

    /// Last output of the op that runs on the step's node, from the status.
    fn last_output(&self, step: &StepSpec) -> String {
        let row = self.status.iter().flat_map(|s| &s.nodes).find(|r| Some(&r.name) == step.node.as_ref());
        row.and_then(|r| r.reason.clone()).unwrap_or_default()
    }
}

/// Failed steps, and those that the coordinator drives now, by the function that the coordinator itself asks.
fn current(run: &RunState) -> Vec<StepSpec> {
    let failed = run.failed_steps().map(|(step, _)| step.clone());
    let driven = match next(run) {
        Next::Drive(todo) => todo.into_iter().map(|t| t.step).collect(),
        Next::Succeed
        | Next::Pause(_)
        | Next::Defer { .. }
        | Next::SetAside { .. }
        | Next::Undo
        | Next::Rest => vec![],
    };
    failed.chain(driven).collect()
}
