//! Differences from before the run that an operator accepts. An attestation covers what its steps had shown when it was made, and nothing
//! else: not what another node shows, and not what the same node shows later.

use super::state::RunState;
use super::step::StepStatus;
use crate::program::{Attestation, DIFFERENCES};
use podlift_model::StepId;

/// The acceptance of what one step had shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub by: String,
    pub note: String,
    /// The reason for which the step waited or had failed; it names the differences.
    shown: String,
}

/// Records what each step shows that waits or has failed now.
pub(super) fn record(s: &mut RunState, said: &Attestation) {
    if said.id != DIFFERENCES {
        return;
    }
    for (id, step) in s.steps.iter() {
        let shown = match &step.status {
            StepStatus::Waiting { reason } => reason.clone(),
            StepStatus::Failed { reason } => reason.message.clone(),
            _ => continue,
        };
        let accepted = Accepted { by: said.by.clone(), note: said.note.clone(), shown };
        s.accepted.insert(id.clone(), accepted);
    }
}

impl RunState {
    /// The acceptance of these differences, if this step had shown them when it was made.
    pub fn accepted(&self, step: &StepId, differences: &str) -> Option<&Accepted> {
        self.accepted.get(step).filter(|accepted| accepted.shown.contains(differences))
    }

    /// The acceptance of the failure of these checks, if this step had named each of them when it was made. Their evidence has ages and
    /// counts, and is another at each validation.
    pub fn accepted_checks<'a>(
        &self,
        step: &StepId,
        mut ids: impl Iterator<Item = &'a str>,
    ) -> Option<&Accepted> {
        let accepted = self.accepted.get(step)?;
        let named =
            |id: &str| [":", ";"].iter().any(|mark| accepted.shown.contains(&format!("{mark} {id}: ")));
        ids.all(named).then_some(accepted)
    }
}
