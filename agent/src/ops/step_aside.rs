//! Refuses new connections of other hosts to this node's API server until a deadline.

use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput, codes};

pub struct StepAside {
    pub seconds: u32,
    pub reason: String,
}

#[async_trait]
impl Op for StepAside {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let message = format!(
            "{} can't refuse connections for {} s ({}): this agent has no way to do it",
            cx.node.config.node, self.seconds, self.reason
        );
        Err(Failure::permanent(codes::STEP_ASIDE_IMPOSSIBLE, message))
    }
}
