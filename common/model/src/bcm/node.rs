//! Nodes as BCM lists them.

use super::ids::{CategoryName, ImageName};
use crate::ids::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the software image of a node is set. A value of the node takes precedence over that of its category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImageFrom {
    Node,
    Category,
}

/// A device that BCM provisions from a software image. Head nodes, switches and other devices are not listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BcmNode {
    pub name: NodeName,
    /// BCM's type of the device, e.g. `PhysicalNode`.
    pub kind: String,
    /// `None` if the node is in no category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryName>,
    /// The effective image; `None` if neither the node nor its category has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageName>,
    pub from: ImageFrom,
}
