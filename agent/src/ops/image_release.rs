//! Removes podlift's own pins from the images of this node. Pins of others, which have no mark of podlift's, stay.

use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput, codes};
use podlift_tools::ctr;

pub struct ImageRelease;

impl ImageRelease {
    /// Images that podlift pinned; none on a node without `ctr`, where it can't have pinned any.
    async fn pinned(&self, cx: &Cx<'_>) -> Result<Vec<String>, Failure> {
        match ctr::ours(&cx.node.host).await {
            Err(failure) if failure.code == codes::COMMAND_MISSING => Ok(Vec::new()),
            other => other,
        }
    }
}

#[async_trait]
impl Op for ImageRelease {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let none = || OpOutput::Unchanged("no image is pinned by podlift".into());
        Ok(self.pinned(cx).await?.is_empty().then(none))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let images = self.pinned(cx).await?;
        for image in &images {
            ctr::unpin(&cx.node.host, image).await?;
        }
        Ok(Applied::Done(OpOutput::Changed(format!("released {}", images.join(", ")))))
    }
}
