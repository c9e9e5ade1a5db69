//! What a run does with BCM: the software images that it prepares and assigns, and BCM's own books, which agree at its end.

use crate::inventory::NodeRole;
use podlift_model::bcm::{CategoryName, ImageFrom, ImageName};
use podlift_model::{NodeName, PackageVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The waiver of BCM's books: the run succeeds although they do not agree.
pub const BCM_BOOKS: &str = "bcm-books";
/// The check of software images; its waiver upgrades such nodes by packages alone.
pub const BCM_IMAGES: &str = "bcm-images";

/// BCM's part of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BcmPlan {
    /// The head node whose agent runs BCM's tools.
    pub head: NodeName,
    /// Images that the run prepares or uses; empty if no node of the run goes through one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImagePlan>,
    /// Nodes of the run that go through an image.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<NodeName, NodeImage>,
    /// The version that BCM's metadata has to have at the end; `None` if the run does not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<PackageVersion>,
    /// Categories of the workers, if the site's groups of workers name categories; else empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<NodeName, CategoryName>,
    /// BCM has to learn kubeadm-config, because the run changes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub learn_config: bool,
}

impl BcmPlan {
    /// The category of a node when the plan was made; `None` if BCM does not list the node, or if no group of the site names a category.
    pub fn category(&self, node: &NodeName) -> Option<&CategoryName> {
        self.categories.get(node)
    }
}

/// One image of the target, for nodes of one role that have the same image now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImagePlan {
    /// The image that the nodes have now.
    pub from: ImageName,
    /// The image that they get: a clone of `from`, or `from` itself if it has the target's packages already.
    pub image: ImageName,
    pub role: NodeRole,
    pub nodes: Vec<NodeName>,
    /// Categories that get the image at the end, because all their nodes are among `nodes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<CategoryName>,
    /// Nodes of BCM that keep `from`, because they are no part of the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<NodeName>,
}

impl ImagePlan {
    /// Whether the nodes keep their image, because it has the target's packages already.
    pub fn is_as_it_is(&self) -> bool {
        self.from == self.image
    }
}

/// The image of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeImage {
    /// The image that it gets.
    pub image: ImageName,
    /// The image that it had when the plan was made.
    pub old: ImageName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryName>,
    /// Where BCM had the old image.
    pub from: ImageFrom,
}
