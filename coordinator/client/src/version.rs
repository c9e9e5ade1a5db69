//! The coordinator's version, read from the metadata of each answer. Another version than this one is reported once; a request is never
//! refused for that alone.

use podlift_common::wire::VERSION_HEADER;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::Service;

/// Version of this client.
pub const OWN: &str = env!("CARGO_PKG_VERSION");

/// The coordinator's version, once it has answered.
#[derive(Debug)]
pub(crate) struct Peer {
    version: OnceLock<String>,
    /// Called once with a warning where the versions differ.
    warn: fn(&str),
}

impl Peer {
    pub fn new(warn: fn(&str)) -> Self {
        Self { version: OnceLock::new(), warn }
    }

    /// `None` until the coordinator has answered.
    pub fn version(&self) -> Option<&str> {
        self.version.get().map(String::as_str)
    }

    fn observe(&self, headers: &http::HeaderMap) {
        let Some(version) = headers.get(VERSION_HEADER).and_then(|v| v.to_str().ok()) else { return };
        if self.version.set(version.into()).is_ok() && version != OWN {
            (self.warn)(&warning(version));
        }
    }
}

fn warning(version: &str) -> String {
    format!("the coordinator is podlift {version} and this is {OWN}: install the same version on both")
}

/// The channel, with a look at the metadata of every answer.
#[derive(Clone)]
pub(crate) struct Observed {
    pub channel: Channel,
    pub peer: Arc<Peer>,
}

impl Service<http::Request<Body>> for Observed {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.channel.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (answer, peer) = (self.channel.call(request), self.peer.clone());
        Box::pin(async move {
            let answer = answer.await?;
            peer.observe(answer.headers());
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(peer: &Peer, version: &str) {
        let mut headers = http::HeaderMap::new();
        headers.insert(VERSION_HEADER, version.parse().unwrap());
        peer.observe(&headers);
    }

    #[test]
    fn the_first_answer_with_a_version_counts() {
        let peer = Peer::new(|_| {});
        peer.observe(&http::HeaderMap::new());
        assert_eq!(peer.version(), None);
        answered(&peer, "9.0.0");
        answered(&peer, "9.0.1");
        assert_eq!(peer.version(), Some("9.0.0"));
        assert_eq!(
            warning("9.0.0"),
            format!("the coordinator is podlift 9.0.0 and this is {OWN}: install the same version on both")
        );
    }
}
