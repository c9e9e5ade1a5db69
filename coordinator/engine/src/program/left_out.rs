//! Nodes that a plan leaves out, each with the reason.

use jiff::Timestamp;
use podlift_model::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A worker that takes no part in the run from its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    pub node: NodeName,
    pub why: String,
    /// True if the state of the node is the reason, and not its name or its labels. A plan does not rest on such a state, because it
    /// changes all the time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unready: bool,
    /// The node was deferred until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}
