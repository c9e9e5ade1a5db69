//! Lets connections of other hosts to this node's API server in again. Only podlift's own table is removed.

use super::{Applied, Cx, Op};
use crate::aside;
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput};

pub struct StepBack;

#[async_trait]
impl Op for StepBack {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        aside::step_back(cx.node).await.map(Applied::Done)
    }
}
