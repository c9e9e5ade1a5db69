//! GET of a pod's log: the last words of a container that has ended, which are all that the doubles' programs ever say.

use super::route::Target;
use super::{Reply, full, status};
use crate::world::World;
use http::{Response, header};

pub fn read(world: &World, target: &Target) -> Reply {
    let s = world.lock();
    let Some(pod) = s.api.get(&target.key()) else { return status::not_found(target) };
    let words = pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"].as_str();
    let mut reply = Response::new(full(words.unwrap_or_default().to_string()));
    reply.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain"));
    reply
}
