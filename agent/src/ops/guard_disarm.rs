//! Disarms the run's guard. A guard that another run armed stays.

use super::shared::file_failure;
use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_host::paths;
use podlift_model::facts::GuardState;
use podlift_model::{Failure, OpOutput, RunId};
use std::path::Path;

pub struct GuardDisarm {
    pub run: RunId,
}

#[async_trait]
impl Op for GuardDisarm {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let line = match cx.node.heal.guard() {
            GuardState::Armed { run } if run == self.run => return Ok(None),
            GuardState::Armed { run } => format!("the guard is armed for run {run}: left as it is"),
            GuardState::Steady | GuardState::Off => "no guard is armed".into(),
        };
        Ok(Some(OpOutput::Unchanged(line)))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        cx.node.heal.disarm().map_err(|e| file_failure(Path::new(paths::HEAL), &e))?;
        Ok(Applied::Done(OpOutput::Changed("guard disarmed".into())))
    }
}
