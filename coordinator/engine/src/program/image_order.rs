//! When BCM writes a software image to a worker: a rule of the site.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImageOrder {
    /// After the drain: a kubelet that ends in between starts at the new version, and no work is on the node then.
    #[default]
    DrainFirst,
    /// Before the cordon, as in BCM's manual: the node is without work for a shorter time.
    Runbook,
}

impl ImageOrder {
    pub(crate) fn is_drain_first(&self) -> bool {
        *self == ImageOrder::DrainFirst
    }
}
