//! `[bcm]`: the agent that answers for BCM. The form of older versions is refused, with its replacement.

use podlift_model::NodeName;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "BcmTable")]
pub struct Bcm {
    /// Name of the head node whose agent (`role = "head"`) runs BCM's tools; its certificate is spiffe://podlift/CLUSTER/head/NAME.
    pub head: NodeName,
    /// Nodes that BCM provisions are upgraded through their software images. true
    pub images: bool,
}

/// `[bcm]` in any form that a file may contain, older forms included.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BcmTable {
    head: Option<NodeName>,
    images: Option<bool>,
    socket: Option<serde::de::IgnoredAny>,
}

impl TryFrom<BcmTable> for Bcm {
    type Error = String;

    fn try_from(table: BcmTable) -> Result<Self, String> {
        const DO: &str = "set [bcm] head = \"NAME\", the name of the head node's agent (podlift cert issue head NAME; deploy/bcm/README.md), or remove [bcm]";
        match table {
            BcmTable { socket: Some(_), .. } => {
                Err(format!("bcm.socket is gone, the agent of the head node runs BCM's tools: {DO}"))
            }
            BcmTable { head: None, .. } => Err(format!("bcm.head is missing: {DO}")),
            BcmTable { head: Some(head), images, .. } => Ok(Self { head, images: images.unwrap_or(true) }),
        }
    }
}
