//! One HTTPS GET to an address of this node.

use async_trait::async_trait;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {why}")]
pub struct HttpError {
    pub url: String,
    pub why: String,
}

/// Who is trusted, and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTls {
    pub trust: Trust,
    /// The asker's certificate; `None`: it asks anonymously.
    pub client: Option<ClientPair>,
}

/// Which server certificate is the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Signed by this CA (a PEM file within the node), and made for the address that is dialled.
    Ca(PathBuf),
    /// Signed by one of these CAs; files that are not there are left out.
    AnyOf(Vec<PathBuf>),
    /// Any, on the node's own loopback: kube-controller-manager and kube-scheduler sign theirs themselves. Refused for other addresses.
    OwnLoopback,
}

/// PEM files within the node; one file may hold both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl HttpTls {
    pub fn ca(ca: impl Into<PathBuf>) -> Self {
        Self { trust: Trust::Ca(ca.into()), client: None }
    }

    pub fn any_of(cas: Vec<PathBuf>) -> Self {
        Self { trust: Trust::AnyOf(cas), client: None }
    }

    pub fn own_loopback() -> Self {
        Self { trust: Trust::OwnLoopback, client: None }
    }

    pub fn with_client(self, client: Option<ClientPair>) -> Self {
        Self { client, ..self }
    }
}

#[async_trait]
pub trait Http: Send + Sync {
    /// Status and body of `https://{endpoint}{path}`; gives up after ten seconds.
    async fn get(&self, endpoint: &str, path: &str, tls: &HttpTls) -> Result<(u16, String), HttpError>;
}
