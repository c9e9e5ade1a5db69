//! What BCM's own tools report on a head node.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One row of BCM's `kubernetes; appgroups; use system; applications; list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BcmApplication {
    pub name: String,
    pub enabled: bool,
}
