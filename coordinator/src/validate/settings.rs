//! `[validate]` of the configuration.

use podlift_common::config::duration;
use serde::Deserialize;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidateSettings {
    /// Image of the test pod: it needs a shell, and getent or nslookup, and should be on the nodes. That of calico-node.
    pub image: Option<String>,
    /// Time between two looks at each static pod and etcd member, in which nothing may restart. "3s"
    #[serde(with = "duration")]
    pub soak: Duration,
    /// From `[sentinel]`.
    #[serde(skip)]
    pub expires_within_days: u32,
    /// From `[tls]`: podlift's own certificate.
    #[serde(skip)]
    pub certificate: Option<std::path::PathBuf>,
}

impl Default for ValidateSettings {
    fn default() -> Self {
        Self { image: None, soak: Duration::from_secs(3), expires_within_days: 30, certificate: None }
    }
}
