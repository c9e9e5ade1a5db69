//! Gives a category its image, and takes the nodes' own values away. The category comes first, so that no node gets the old image in between.

use super::{Applied, Cx, Op, shared};
use async_trait::async_trait;
use podlift_model::bcm::{BcmNode, CategoryName, ImageFrom, ImageName};
use podlift_model::{Failure, NodeName, OpOutput, codes, count};
use podlift_tools::bcm::{categories, change, images, nodes};

pub struct CategoryImage {
    pub category: CategoryName,
    pub image: ImageName,
    pub nodes: Vec<NodeName>,
}

impl CategoryImage {
    async fn category_has_it(&self, cx: &Cx<'_>) -> Result<bool, Failure> {
        Ok(categories::image(&cx.node.host, &self.category).await?.as_ref() == Some(&self.image))
    }

    /// Nodes of the op with an image of their own.
    async fn own_values(&self, cx: &Cx<'_>) -> Result<Vec<NodeName>, Failure> {
        let all = self.members(cx).await?;
        Ok(all.into_iter().filter(|node| node.from == ImageFrom::Node).map(|node| node.name).collect())
    }

    /// Nodes of the op that do not have the image from their category, with the image that they have.
    async fn astray(&self, cx: &Cx<'_>) -> Result<Vec<String>, Failure> {
        let all = self.members(cx).await?;
        let follows =
            |node: &&BcmNode| node.from == ImageFrom::Category && node.image.as_ref() == Some(&self.image);
        let line = |node: &BcmNode| match &node.image {
            Some(image) => format!("{} has {image}", node.name),
            None => format!("{} has no image", node.name),
        };
        Ok(all.iter().filter(|node| !follows(node)).map(line).collect())
    }

    /// The nodes of the op as BCM has them now. A node of another category is a mistake of the request.
    async fn members(&self, cx: &Cx<'_>) -> Result<Vec<BcmNode>, Failure> {
        let all = nodes::look(&cx.node.host).await?;
        let of = |name: &NodeName| all.iter().find(|node| node.name == *name);
        let elsewhere =
            |node: Option<&BcmNode>| node.and_then(|n| n.category.as_ref()) != Some(&self.category);
        if let Some(name) = self.nodes.iter().find(|name| elsewhere(of(name))) {
            let message =
                format!("{} got no image: {name} is not in this category; plan again", self.category);
            return Err(Failure::permanent(codes::INVALID_REQUEST, message));
        }
        Ok(self.nodes.iter().filter_map(of).cloned().collect())
    }
}

#[async_trait]
impl Op for CategoryImage {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        let set = self.category_has_it(cx).await? && self.astray(cx).await?.is_empty();
        Ok(set
            .then(|| OpOutput::Unchanged(format!("{} has the image {} already", self.category, self.image))))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let host = &cx.node.host;
        if images::find(host, &self.image).await?.is_none() {
            return Err(shared::missing(&self.image));
        }
        let own = self.own_values(cx).await?;
        let said = change::category(host, &self.category, &self.image).await?;
        if !self.category_has_it(cx).await? {
            return Err(shared::no_effect(
                &format!("category {} did not get {}", self.category, self.image),
                &said,
            ));
        }
        let said = change::clear(host, &own).await?;
        match self.astray(cx).await?.as_slice() {
            [] => {
                let nodes = count(own.len() as u64, "node");
                let line = format!("{} has the image {}; {nodes} follow it", self.category, self.image);
                Ok(Applied::Done(OpOutput::Changed(line)))
            }
            [first, ..] => {
                Err(shared::no_effect(&format!("{first}, expected {} from its category", self.image), &said))
            }
        }
    }
}
