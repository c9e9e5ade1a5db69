//! At the end a category gets the new software image, and then its nodes lose their own values. A node that is added later is right
//! then, too. A category with a node that the run left out keeps its image, because a reboot would bring that node packages of the target.

use super::image_clone::name;
use super::reply::{done, odd, partly};
use super::{Assess, Cx, Policy, Step, Touches, head};
use crate::doors::{Act, Probe, Reply};
use podlift_model::bcm::{BcmNode, BcmOp, CategoryName, ImageFrom, ImageName};
use podlift_model::{Look, NodeName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CategoryImage {
    category: CategoryName,
    image: ImageName,
    /// All nodes of the category, as BCM listed them when the plan was made.
    nodes: Vec<NodeName>,
}

impl CategoryImage {
    pub fn of(category: CategoryName, image: ImageName, nodes: Vec<NodeName>) -> Self {
        Self { category, image, nodes }
    }

    pub fn category(&self) -> &CategoryName {
        &self.category
    }

    /// Why the category has to keep its image: nodes that do not run with the new one.
    fn held_back(&self, cx: &Cx, rows: &[&BcmNode]) -> Option<String> {
        let without = self.nodes.iter().find(|node| cx.state.goes_without(node));
        if let Some(node) = without {
            return Some(format!("{node} is left out of the run"));
        }
        if rows.is_empty() {
            return Some("BCM lists no node of it any more".into());
        }
        let row = rows.iter().find(|row| row.image.as_ref() != Some(&self.image))?;
        let is = row.image.as_ref().map_or("none", |image| image.as_str());
        Some(format!("{} has software image {is}", row.name))
    }
}

impl Step for CategoryImage {
    fn verb(&self) -> String {
        format!("category-image-{}", self.category)
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn agent(&self, cx: &Cx) -> NodeName {
        head::agent(cx)
    }
    fn remains(&self) -> Option<String> {
        Some(format!("category {} has software image {}", self.category, self.image))
    }
    fn sample() -> Self {
        let category = CategoryName::new("dgx-h100").unwrap_or_else(|e| unreachable!("{e}"));
        let node = NodeName::new("dgx030").unwrap_or_else(|e| unreachable!("{e}"));
        Self::of(category, name("dgx-image-new"), vec![node])
    }

    fn probe(&self, cx: &Cx) -> Probe {
        head::look(cx, Look::BcmNodes)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(rows) = head::nodes(reply) else { return odd(reply) };
        let mine: Vec<&BcmNode> =
            rows.iter().filter(|row| row.category.as_ref() == Some(&self.category)).collect();
        let own = mine.iter().find(|row| row.from == ImageFrom::Node);
        if let Some(why) = self.held_back(cx, &mine) {
            return partly(format!("category {} keeps its software image: {why}", self.category));
        }
        let Some(own) = own else {
            return done(format!("category {} has software image {}", self.category, self.image));
        };
        if let Some(verdict) = head::let_be(cx) {
            return verdict;
        }
        match cx.acted {
            false => Assess::Ready,
            true => head::disagrees(format!(
                "category {} was to get software image {}, and {} still has it as its own value; look at cmsh -c \"category use {}; get softwareimage\"",
                self.category, self.image, own.name, self.category
            )),
        }
    }

    /// All nodes that have a value of their own now: some may have come to the category since the plan.
    fn act(&self, cx: &Cx, reply: &Reply) -> Option<Act> {
        let (category, image) = (self.category.clone(), self.image.clone());
        let own = |row: &&BcmNode| row.category.as_ref() == Some(&category) && row.from == ImageFrom::Node;
        let nodes = head::nodes(reply)?.iter().filter(own).map(|row| row.name.clone()).collect();
        head::act(cx, BcmOp::CategoryImage { category, image, nodes })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { poll: head::POLL, ..cx.policy() }
    }
}
