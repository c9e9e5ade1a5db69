//! The images of the target that a node needs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The check of images.
pub const IMAGES: &str = "images";
/// How its finding begins that some image can't be named.
pub const UNKNOWN_IMAGES: &str = "not all images that the node needs are known";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeImages {
    /// On the node when the plan was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub there: Vec<String>,
    /// Not on the node, and its registry has them: the run pulls them. Images that can't be pulled are findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pulled: Vec<String>,
}
