//! Arms the guard: hygiene rules may act until it is disarmed or its time is over. Arming looks at every manifest at once.

use super::shared::file_failure;
use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_host::paths;
use podlift_model::op::FlagLoss;
use podlift_model::{Failure, OpOutput, RunId};
use std::path::Path;

pub struct GuardArm {
    pub run: RunId,
    pub seconds: u32,
    /// Losses that the run intends.
    pub allow: Vec<FlagLoss>,
}

#[async_trait]
impl Op for GuardArm {
    fn repeatable(&self) -> bool {
        true
    }

    /// Never done before `apply`: arming again renews the full time.
    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        cx.node
            .heal
            .arm(&self.run, self.seconds, &self.allow)
            .map_err(|e| file_failure(Path::new(paths::HEAL), &e))?;
        let meant: Vec<String> =
            self.allow.iter().map(|l| format!("--{} of {}", l.flag, l.component)).collect();
        let but = if meant.is_empty() { String::new() } else { format!("; may go: {}", meant.join(", ")) };
        Ok(Applied::Done(OpOutput::Changed(format!("guard armed for {} s{but}", self.seconds))))
    }
}
