//! Lets connections to this node's API server in again.

use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput};

pub struct StepBack;

#[async_trait]
impl Op for StepBack {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(Some(OpOutput::Unchanged("the node has not stepped aside".into())))
    }

    async fn apply(&self, _: &Cx<'_>) -> Result<Applied, Failure> {
        Ok(Applied::Done(OpOutput::Unchanged("the node has not stepped aside".into())))
    }
}
