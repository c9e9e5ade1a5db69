//! A double of the Kubernetes API over the World's objects: the resources that an upgrade touches, with the answers of a real
//! kube-apiserver. Unknown paths are 404 in plain text, as there.

pub mod budgets;
mod client;
mod discovery;
mod evict;
mod kinds;
mod patch;
mod read;
mod route;
mod selectors;
mod status;
mod watch;
mod write;

use crate::world::{FaultAction, World};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use route::{Call, Target};
use std::convert::Infallible;
use std::sync::Arc;

pub type Body = UnsyncBoxBody<Bytes, Infallible>;
pub type Reply = Response<Body>;

pub use discovery::health;
pub use status::reply_json;

/// Who asks. Anonymous may see health and version only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(pub Option<String>);

/// One request to the API server of `front`.
pub async fn handle(world: &Arc<World>, front: &str, caller: &Caller, request: Request<Bytes>) -> Reply {
    let call = Call::of(&request);
    let what = format!("{} {}", call.method, call.path);
    match world.take_fault(front, "api", &what) {
        Some(FaultAction::Fail { code, stderr }) => {
            return status::failure(code as u16, "ServiceUnavailable", &stderr, serde_json::json!({}));
        }
        Some(FaultAction::Delay(time)) => world.sleep(time).await,
        Some(FaultAction::Hang) => std::future::pending().await,
        Some(FaultAction::FailAfter { code, stderr }) => {
            drop(answer(world, front, caller, &call));
            return status::failure(code as u16, "InternalError", &stderr, serde_json::json!({}));
        }
        None => {}
    }
    answer(world, front, caller, &call)
}

fn answer(world: &Arc<World>, front: &str, caller: &Caller, call: &Call) -> Reply {
    if let Some(reply) = discovery::answer(world, front, call) {
        return reply;
    }
    let Some(target) = Target::of(&call.path) else { return status::not_found_page() };
    let Some(user) = &caller.0 else { return status::forbidden(&target, call) };
    match (&call.method, target.subresource.as_deref()) {
        (&Method::POST, Some("eviction")) => evict::evict(world, &target, call),
        (&Method::GET, None) if call.flag("watch") => watch::watch(world, front, target, call),
        (&Method::GET, None | Some("status")) => read::read(world, &target, call),
        (&Method::POST, None) => write::create(world, &target, call),
        (&Method::PUT, None | Some("status")) => write::replace(world, user, &target, call),
        (&Method::PATCH, None | Some("status")) => write::patch(world, user, &target, call),
        (&Method::DELETE, None) => write::delete(world, &target, call),
        _ => status::failure(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
            serde_json::json!({}),
        ),
    }
}

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}
