//! Removes podlift's own pins from the images of this node.

use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput, codes};

pub struct ImageRelease;

#[async_trait]
impl Op for ImageRelease {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, _: &Cx<'_>) -> Result<Applied, Failure> {
        Err(Failure::permanent(codes::INVALID_REQUEST, "this agent does not release images: upgrade it"))
    }
}
