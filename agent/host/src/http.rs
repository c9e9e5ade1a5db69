//! HTTPS requests: a GET to an address of this node or to the API server of another one, and a POST to an API with a client certificate.

use async_trait::async_trait;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {why}")]
pub struct HttpError {
    pub url: String,
    pub why: String,
}

/// Which server is trusted, and the client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTls {
    pub trust: Trust,
    /// The client's certificate; `None` for an anonymous request.
    pub client: Option<ClientPair>,
}

/// Which server certificates are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// One that this CA (a PEM file within the node) has signed for the address of the connection.
    Ca(PathBuf),
    /// One that one of these CAs has signed; files that do not exist are left out.
    AnyOf(Vec<PathBuf>),
    /// Any certificate, but only on the node's own loopback: kube-controller-manager and kube-scheduler sign their own. Fails for other
    /// addresses.
    OwnLoopback,
}

/// PEM files within the node; one file may hold both certificate and key.
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

/// A JSON document that is posted to `https://{endpoint}{path}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub endpoint: String,
    pub path: String,
    pub body: String,
    pub tls: HttpTls,
    /// Time of the whole request, from the connection to the last byte of the answer.
    pub limit: Duration,
    /// Most bytes of an answer; a longer one is an error.
    pub most: usize,
}

impl Post {
    pub fn url(&self) -> String {
        format!("https://{}{}", self.endpoint, self.path)
    }
}

#[async_trait]
pub trait Http: Send + Sync {
    /// Status and body of `https://{endpoint}{path}`; fails after ten seconds.
    async fn get(&self, endpoint: &str, path: &str, tls: &HttpTls) -> Result<(u16, String), HttpError>;

    /// Status and body of the answer to a document. A port that only reads refuses it.
    async fn post(&self, post: &Post) -> Result<(u16, String), HttpError> {
        Err(HttpError { url: post.url(), why: "this node can't send documents".into() })
    }
}
