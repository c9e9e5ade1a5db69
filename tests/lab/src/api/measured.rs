//! Counts each request and the bytes of its answer; of a stream as they go.

use super::route::{Call, Target};
use super::{Body, Caller, Reply, fault};
use crate::world::World;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use std::sync::Arc;

/// Who asks for what.
pub struct Asker {
    user: String,
    verb: String,
    resource: String,
}

impl Asker {
    pub fn of(caller: &Caller, call: &Call) -> Self {
        let resource =
            Target::of(&call.path).map_or_else(|| call.path.clone(), |t| t.kind.resource.to_string());
        let user = caller.0.clone().unwrap_or_else(|| "system:anonymous".into());
        Self { user, verb: fault::verb(call), resource }
    }

    pub fn counted(self, world: &Arc<World>, reply: Reply) -> Reply {
        let Self { user, verb, resource } = self;
        match reply.body().size_hint().exact() {
            Some(bytes) => {
                world.traffic.request(&user, &verb, &resource, bytes);
                reply
            }
            None => {
                world.traffic.request(&user, &verb, &resource, 0);
                let world = world.clone();
                reply.map(|body| {
                    let count = move |frame: http_body::Frame<bytes::Bytes>| {
                        let bytes = frame.data_ref().map_or(0, |d| d.len() as u64);
                        world.traffic.more(&user, &verb, &resource, bytes);
                        frame
                    };
                    let counted: Body = body.map_frame(count).boxed_unsync();
                    counted
                })
            }
        }
    }
}
