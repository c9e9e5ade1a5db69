//! Refuses new connections of other hosts to this node's API server until a deadline. A repetition puts the same table in place again, with
//! a deadline of its own.

use super::{Applied, Cx, Op};
use crate::aside;
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput};

pub struct StepAside {
    pub seconds: u32,
    pub reason: String,
}

#[async_trait]
impl Op for StepAside {
    fn repeatable(&self) -> bool {
        true
    }

    /// Never done before it acts: a table that stands has an earlier deadline.
    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        aside::step_aside(cx.node, self.seconds, &self.reason).await.map(Applied::Done)
    }
}
