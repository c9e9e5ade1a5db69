//! Sets the image of one node. Nothing is written to the node before its next sync.

use super::{Applied, Cx, Op, shared};
use async_trait::async_trait;
use podlift_model::bcm::{ImageFrom, ImageName};
use podlift_model::{Failure, NodeName, OpOutput};
use podlift_tools::bcm::{change, images, nodes};

pub struct AssignImage {
    pub node: NodeName,
    pub image: ImageName,
}

impl AssignImage {
    async fn is_set(&self, cx: &Cx<'_>) -> Result<bool, Failure> {
        let (image, from) = nodes::image(&cx.node.host, &self.node).await?;
        Ok(image.as_ref() == Some(&self.image) && from == ImageFrom::Node)
    }
}

#[async_trait]
impl Op for AssignImage {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let line = || OpOutput::Unchanged(format!("{} has the image {} already", self.node, self.image));
        Ok(self.is_set(cx).await?.then(line))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        if images::find(&cx.node.host, &self.image).await?.is_none() {
            return Err(shared::missing(&self.image));
        }
        let said = change::assign(&cx.node.host, &self.node, &self.image).await?;
        match self.is_set(cx).await? {
            true => {
                Ok(Applied::Done(OpOutput::Changed(format!("{} has the image {}", self.node, self.image))))
            }
            false => Err(shared::no_effect(&format!("{} did not get {}", self.node, self.image), &said)),
        }
    }
}
