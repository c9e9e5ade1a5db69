//! How a drain treats pods: the switches of `kubectl drain` that are off unless an operator asks for them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The operator's options of a drain. The default is a drain without any of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DrainOptions {
    /// Seconds that each pod gets to end; `None` for the pod's own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_period_seconds: Option<i64>,
    /// The drain does not wait for pods that have been terminating for longer than this, seconds; 0 if it waits for all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip_wait_for_delete_seconds: u32,
    /// Pods are deleted instead of evicted, so that no budget protects them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disable_eviction: bool,
    /// Pods that no controller makes again are evicted too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

fn is_zero(seconds: &u32) -> bool {
    *seconds == 0
}

impl DrainOptions {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
