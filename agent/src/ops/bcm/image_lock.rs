//! Locks an image, so that requests for it wait while it changes, or unlocks it.

use super::{Applied, Cx, Op, shared};
use async_trait::async_trait;
use podlift_model::bcm::ImageName;
use podlift_model::{Failure, OpOutput};
use podlift_tools::bcm::{images, lock};

pub struct ImageLock {
    pub image: ImageName,
    pub locked: bool,
}

impl ImageLock {
    fn state(&self) -> &'static str {
        if self.locked { "locked" } else { "unlocked" }
    }
}

#[async_trait]
impl Op for ImageLock {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        if images::find(&cx.node.host, &self.image).await?.is_none() {
            return Err(shared::missing(&self.image));
        }
        let same = lock::look(&cx.node.host, &self.image).await? == self.locked;
        Ok(same.then(|| OpOutput::Unchanged(format!("{} is {} already", self.image, self.state()))))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let said = lock::set(&cx.node.host, &self.image, self.locked).await?;
        match lock::look(&cx.node.host, &self.image).await? == self.locked {
            true => Ok(Applied::Done(OpOutput::Changed(format!("{} is {}", self.image, self.state())))),
            false => Err(shared::no_effect(&format!("{} is not {}", self.image, self.state()), &said)),
        }
    }
}
