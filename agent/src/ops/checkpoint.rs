//! Runs the checkpoint hooks of pods before a drain evicts them (`crate::checkpoint`). A repetition runs only the hooks whose end is not
//! known.

use super::{Applied, Cx, Op};
use crate::checkpoint;
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput, PodRef};

pub struct Checkpoint {
    pub pods: Vec<PodRef>,
    pub seconds: u32,
}

#[async_trait]
impl Op for Checkpoint {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(checkpoint::known(cx, &self.pods)?.map(OpOutput::Checkpoints))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let all = checkpoint::run(cx, &self.pods, self.seconds).await?;
        Ok(Applied::Done(OpOutput::Checkpoints(all)))
    }
}
