//! Gives a node the image of its category again: removes its own value. Nothing is written to the node before its next sync.

use super::{Applied, Cx, Op, shared};
use async_trait::async_trait;
use podlift_model::bcm::ImageFrom;
use podlift_model::{Failure, NodeName, OpOutput};
use podlift_tools::bcm::{change, nodes};
use std::slice;

pub struct FollowCategory {
    pub node: NodeName,
}

impl FollowCategory {
    /// The image that the node has from its category; `None` while it has its own.
    async fn image(&self, cx: &Cx<'_>) -> Result<Option<String>, Failure> {
        let (image, from) = nodes::image(&cx.node.host, &self.node).await?;
        let text = || image.map_or("no image".to_string(), |image| format!("the image {image}"));
        Ok((from == ImageFrom::Category).then(text))
    }
}

#[async_trait]
impl Op for FollowCategory {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let line =
            |image| OpOutput::Unchanged(format!("{} has {image} from its category already", self.node));
        Ok(self.image(cx).await?.map(line))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let said = change::clear(&cx.node.host, slice::from_ref(&self.node)).await?;
        match self.image(cx).await? {
            Some(image) => {
                let line = format!("{} has {image} from its category", self.node);
                Ok(Applied::Done(OpOutput::Changed(line)))
            }
            None => Err(shared::no_effect(&format!("{} kept an image of its own", self.node), &said)),
        }
    }
}
