//! Every answer, a refusal too, tells which podlift gave it: the command line warns where it is another one.

use http::HeaderValue;
use http::Response;
use podlift_common::wire::VERSION_HEADER;

/// For a layer over the whole server.
pub fn tell<B>(mut answer: Response<B>) -> Response<B> {
    let version = HeaderValue::from_static(env!("CARGO_PKG_VERSION"));
    answer.headers_mut().insert(VERSION_HEADER, version);
    answer
}
