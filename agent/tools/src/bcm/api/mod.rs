//! CMDaemon's JSON API: one POST a call, with a client certificate whose profile may be limited to the calls that are used here. Every answer
//! has a time limit and a most number of bytes, and each error its type. An API that does not answer is an error and no reason to ask another
//! way: the site has chosen it.
//!
//! Numbers of `state` and `syncMode` have no documented meaning, so nothing here depends on them. A request that is not listed any more has
//! ended, and that proves nothing about the node: its log and its packages do.

mod answer;
mod error;
mod names;
mod status;
mod update;

pub use error::ApiError;
pub use names::Names;
pub use status::{Request, Status};
pub use update::Asked;

use podlift_host::{ClientPair, Host, HttpTls, Post};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Time of one call. After a failover CMDaemon answers late.
const LIMIT: Duration = Duration::from_secs(120);
/// Most bytes of an answer: the list of some thousand nodes, with all that CMDaemon knows of each.
const MOST: usize = 64 << 20;
/// CMDaemon's word for nothing.
const ZERO: &str = "00000000-0000-0000-0000-000000000000";

/// Where the API is, and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    endpoint: String,
    pair: ClientPair,
    ca: PathBuf,
}

impl Api {
    /// `endpoint` is `HOST:PORT`; the files are PEM.
    pub fn new(endpoint: &str, certificate: PathBuf, key: PathBuf, ca: PathBuf) -> Self {
        Self { endpoint: endpoint.into(), pair: ClientPair { certificate, key }, ca }
    }

    pub fn certificate(&self) -> &PathBuf {
        &self.pair.certificate
    }

    pub fn key(&self) -> &PathBuf {
        &self.pair.key
    }

    pub fn ca(&self) -> &PathBuf {
        &self.ca
    }

    /// The result of one call.
    async fn call(&self, host: &Host, service: &str, call: &str, args: Value) -> Result<Value, ApiError> {
        let body = json!({ "service": service, "call": call, "args": args, "minify": true });
        let post = Post {
            endpoint: self.endpoint.clone(),
            path: "/json".into(),
            body: body.to_string(),
            tls: HttpTls::ca(&self.ca).with_client(Some(self.pair.clone())),
            limit: LIMIT,
            most: MOST,
        };
        let (status, text) = host.http.post(&post).await?;
        answer::parse(status, &text)
            .map_err(|why| error::of_answer(why, &format!("{service}.{call}"), &post.url()))
    }
}

#[cfg(test)]
mod tests;
