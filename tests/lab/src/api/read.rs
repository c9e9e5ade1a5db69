//! GET of an object and of a list, with selectors and pages.

use super::route::{Call, Target};
use super::selectors::Selector;
use super::{Reply, status};
use crate::world::World;
use serde_json::{Value, json};
use std::sync::Arc;

pub fn read(world: &Arc<World>, target: &Target, call: &Call) -> Reply {
    if target.name.is_empty() {
        return list(world, target, call);
    }
    match world.lock().api.get(&target.key()) {
        Some(v) => status::reply_json(200, v),
        None => status::not_found(target),
    }
}

fn list(world: &Arc<World>, target: &Target, call: &Call) -> Reply {
    let selector = Selector::of(call);
    let s = world.lock();
    let all = s.api.of(target.kind.group, target.kind.resource);
    let here = all.filter(|(k, v)| in_namespace(target, &k.namespace) && selector.matches(v));
    let mut items: Vec<(String, Value)> =
        here.map(|(k, v)| (format!("{}/{}", k.namespace, k.name), v.clone())).collect();
    if let Some(after) = call.get("continue") {
        items.retain(|(name, _)| name.as_str() > after);
    }
    let mut metadata = json!({"resourceVersion": s.api.version.to_string()});
    let limit = call.get("limit").and_then(|l| l.parse().ok()).filter(|l| *l > 0).unwrap_or(usize::MAX);
    if items.len() > limit {
        metadata["remainingItemCount"] = json!(items.len() - limit);
        items.truncate(limit);
        metadata["continue"] = json!(items.last().map(|(name, _)| name.clone()));
    }
    let items: Vec<Value> = items.into_iter().map(|(_, v)| bare(v)).collect();
    let kind = format!("{}List", target.kind.kind);
    status::reply_json(
        200,
        &json!({"kind": kind, "apiVersion": target.kind.api_version(), "metadata": metadata, "items": items}),
    )
}

pub fn in_namespace(target: &Target, namespace: &str) -> bool {
    target.namespace.is_empty() || target.namespace == namespace
}

/// Items of a list carry neither kind nor apiVersion.
fn bare(mut v: Value) -> Value {
    if let Some(map) = v.as_object_mut() {
        map.remove("kind");
        map.remove("apiVersion");
    }
    v
}
