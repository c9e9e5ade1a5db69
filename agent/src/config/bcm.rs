//! `[bcm]` of agent.toml.

use podlift_common::config::duration;
use serde::Deserialize;
use std::time::Duration;

/// Work with BCM on a head node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bcm {
    /// Time between two looks at CMDaemon's tasks; two looks in a row without one end a wait. CMDaemon starts its second task some seconds
    /// after the first has ended. "10s"
    #[serde(with = "duration")]
    pub settle: Duration,
}

impl Default for Bcm {
    fn default() -> Self {
        Self { settle: Duration::from_secs(10) }
    }
}
