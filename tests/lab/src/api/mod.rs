//! A double of the Kubernetes API over the World's objects: the resources that an upgrade touches, with the answers of a real
//! kube-apiserver. Unknown paths are 404 in plain text, as there.

pub mod budgets;
mod client;
mod continued;
mod decode;
mod discovery;
pub(crate) mod evict;
mod fault;
mod logs;
mod measured;
mod metrics;
mod patch;
pub(crate) mod rbac;
mod read;
mod route;
mod selectors;
mod services;
mod shown;
mod status;
mod table;
mod validate;
mod watch;
mod webhooks;
mod write;

use crate::objects::Key;
use crate::world::World;
use bytes::Bytes;
use fault::Ordered;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use measured::Asker;
use rbac::Asked;
use route::{Call, Target};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use write::Cx;

pub type Body = UnsyncBoxBody<Bytes, Infallible>;
pub type Reply = Response<Body>;

pub use discovery::health;
pub use rbac::COORDINATOR;
pub use status::{UNAUTHORIZED, reply_json, unauthorized};

/// Who asks. Anonymous may see health and version only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(pub Option<String>);

/// One request to the API server of `front`. `Err`: the connection ends without an answer.
pub async fn handle(
    world: &Arc<World>,
    front: &str,
    caller: &Caller,
    request: Request<Bytes>,
) -> io::Result<Reply> {
    let call = Call::of(&request);
    let who = Asker::of(caller, &call);
    let reply = match fault::ordered(world, front, &call).await? {
        Ordered::Answer(reply) => reply,
        Ordered::After(reply) => {
            drop(answer(world, front, caller, call));
            reply
        }
        Ordered::Nothing => match fault::cold(world, front, caller, &call) {
            Some(reply) => reply,
            None => answer(world, front, caller, call),
        },
    };
    Ok(who.counted(world, reply))
}

fn answer(world: &Arc<World>, front: &str, caller: &Caller, call: Call) -> Reply {
    if let Some(reply) = discovery::answer(world, front, caller, &call) {
        return reply;
    }
    if call.path == "/metrics" {
        return metrics::answer(world, front, caller);
    }
    let Some(target) = Target::of(&call.path) else { return status::not_found_page() };
    let Some(user) = &caller.0 else { return status::forbidden(&target, &call, "system:anonymous") };
    if target.kind.kind == "SelfSubjectAccessReview" && call.method == Method::POST {
        return rbac::review(world, user, &call);
    }
    if !rbac::allows(world, user, &Asked::of(&target, &call)) {
        return status::forbidden(&target, &call, user);
    }
    if !defined(world, &target) {
        return status::not_found_page();
    }
    if call.content_type.contains("protobuf") {
        return status::unsupported_media_type("application/json, application/yaml");
    }
    if call.method == Method::GET && target.subresource.is_none() && call.flag("watch") {
        return watch::watch(world, front, target, call);
    }
    let cx = Cx { world, user, target: &target, call: &call };
    match (&call.method, target.subresource.as_deref(), target.name.is_empty()) {
        _ if !target.kind.stored() => status::not_allowed(),
        (&Method::POST, Some("eviction"), _) => evict::evict(world, &target, &call),
        (&Method::GET, Some("log"), false) => logs::read(world, &target),
        (&Method::GET, None | Some("status"), _) => read::read(world, &target, &call),
        (&Method::POST, None, true) => write::create(&cx),
        (&Method::PUT, None | Some("status"), false) => write::replace(&cx),
        (&Method::PATCH, None | Some("status"), false) => write::patch(&cx),
        (&Method::DELETE, None, false) => write::delete(&cx),
        (&Method::DELETE, None, true) => write::delete_collection(&cx),
        _ => status::not_allowed(),
    }
}

/// A custom resource is there as long as its definition is.
fn defined(world: &World, target: &Target) -> bool {
    let definition = target.kind.definition();
    let key = |name: &String| Key::new("apiextensions.k8s.io", "customresourcedefinitions", "", name);
    definition.is_none_or(|name| world.lock().api.get(&key(&name)).is_some())
}

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}
