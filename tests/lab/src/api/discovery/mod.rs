//! What an API server says of itself: health, version, groups and resources, schemas. Never about an object.

mod groups;
mod health;
mod openapi;

use super::route::Call;
use super::{Caller, Reply, status};
use crate::world::{World, versions};
use serde_json::{Value, json};
use std::sync::Arc;

pub use health::health;

/// None where the path is not one of these. Health and version are open to every client, the rest to known ones
/// (`system:discovery`, `system:public-info-viewer`).
pub fn answer(world: &Arc<World>, front: &str, caller: &Caller, call: &Call) -> Option<Reply> {
    let parts: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        [check @ ("readyz" | "livez" | "healthz")] => {
            return Some(status::text(200, health(check, call.flag("verbose"))));
        }
        ["version"] => return Some(status::reply_json(200, &version(world, front))),
        _ => {}
    }
    let reply = groups::answer(call, &parts).or_else(|| openapi::answer(&parts))?;
    match caller.0 {
        Some(_) => Some(reply),
        None => Some(status::forbidden_path(&call.path, "system:anonymous")),
    }
}

fn version(world: &Arc<World>, front: &str) -> Value {
    let s = world.lock();
    let image = s.nodes.get(front).and_then(|n| n.container("kube-apiserver")).map(|c| c.image.clone());
    let version = image.as_deref().and_then(versions::of_image).unwrap_or(world.shape.from);
    // What the two minors that were recorded are built with.
    let go = if version.minor < 32 { "go1.23.12" } else { "go1.24.11" };
    json!({"major": version.major.to_string(), "minor": version.minor.to_string(), "gitVersion": version.to_string(),
        "gitCommit": "0000000000000000000000000000000000000000", "gitTreeState": "clean",
        "buildDate": "2025-01-01T00:00:00Z", "goVersion": go, "compiler": "gc", "platform": "linux/amd64"})
}
