//! Every answer, also a refusal, contains the coordinator's version. The command line warns if it differs from its own.

use http::HeaderValue;
use http::Response;
use podlift_common::wire::VERSION_HEADER;

/// Adds the version; for a layer over the whole server.
pub fn tell<B>(mut answer: Response<B>) -> Response<B> {
    let version = HeaderValue::from_static(env!("CARGO_PKG_VERSION"));
    answer.headers_mut().insert(VERSION_HEADER, version);
    answer
}
