//! Which podlift answers: heard from each answer's metadata. Another version than ours is said once; never refused for that alone.

use super::out;
use podlift_common::wire::VERSION_HEADER;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context as Cx, Poll};
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::Service;

pub(super) const OWN: &str = env!("CARGO_PKG_VERSION");

/// The coordinator's version, once it has answered.
#[derive(Debug, Default)]
pub(super) struct Heard(OnceLock<String>);

impl Heard {
    pub fn coordinator(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    fn hear(&self, headers: &http::HeaderMap) {
        let Some(version) = headers.get(VERSION_HEADER).and_then(|v| v.to_str().ok()) else { return };
        if self.0.set(version.into()).is_ok() && version != OWN {
            out::narrate(&warning(version));
        }
    }
}

fn warning(version: &str) -> String {
    format!("warning: the coordinator is podlift {version} and this is {OWN}: install the same on both")
}

/// The channel, listening for the version in what comes back.
#[derive(Clone)]
pub(super) struct Listening {
    pub channel: Channel,
    pub heard: Arc<Heard>,
}

impl Service<http::Request<Body>> for Listening {
    type Response = http::Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Cx<'_>) -> Poll<Result<(), Error>> {
        self.channel.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (answer, heard) = (self.channel.call(request), self.heard.clone());
        Box::pin(async move {
            let answer = answer.await?;
            heard.hear(answer.headers());
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(heard: &Heard, version: &str) {
        let mut headers = http::HeaderMap::new();
        headers.insert(VERSION_HEADER, version.parse().unwrap());
        heard.hear(&headers);
    }

    #[test]
    fn the_first_answer_tells_and_silence_tells_nothing() {
        let heard = Heard::default();
        heard.hear(&http::HeaderMap::new());
        assert_eq!(heard.coordinator(), None);
        answered(&heard, "9.0.0");
        answered(&heard, "9.0.1");
        assert_eq!(heard.coordinator(), Some("9.0.0"));
        assert_eq!(
            warning("9.0.0"),
            format!("warning: the coordinator is podlift 9.0.0 and this is {OWN}: install the same on both")
        );
    }
}
