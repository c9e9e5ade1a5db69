//! One HTTPS GET to an address of this node, its server certificate checked against a CA file of the node.

use async_trait::async_trait;
use std::path::Path;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {why}")]
pub struct HttpError {
    pub url: String,
    pub why: String,
}

#[async_trait]
pub trait Http: Send + Sync {
    /// Status and body of `https://{endpoint}{path}`; gives up after ten seconds. `ca` is a PEM file within the node.
    async fn get(&self, endpoint: &str, path: &str, ca: &Path) -> Result<(u16, String), HttpError>;
}
