//! Objects in the form that was asked for: as they are, as rows of a table, or only their metadata.

use super::route::{Call, Target, Wants};
use super::{Reply, status, table};
use crate::world::World;
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::{Value, json};
use std::sync::Arc;

/// One object, also inside a watch event.
pub fn one(world: &World, target: &Target, call: &Call, v: &Value) -> Value {
    match call.wants() {
        Wants::Table => {
            let version = v["metadata"]["resourceVersion"].clone();
            table::table(
                target.kind,
                call,
                world.clock.now(),
                json!({"resourceVersion": version}),
                &[v],
                true,
            )
        }
        Wants::Metadata => partial(v),
        _ => v.clone(),
    }
}

pub fn list(world: &World, target: &Target, call: &Call, metadata: Value, items: &[Arc<Value>]) -> Reply {
    match call.wants() {
        Wants::Table => {
            let items: Vec<&Value> = items.iter().map(Arc::as_ref).collect();
            let v = table::table(target.kind, call, world.clock.now(), metadata, &items, true);
            status::reply_json(200, &v)
        }
        Wants::Metadata => {
            let items: Vec<Value> = items.iter().map(|v| partial(v)).collect();
            let v = json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items});
            status::reply_json(200, &v)
        }
        _ => {
            let list = List {
                kind: format!("{}List", target.kind.kind),
                api: target.kind.api_version(),
                metadata,
                items: items.iter().map(|v| Bare(v)).collect(),
            };
            // A list of JSON values always has a text.
            status::reply_text(200, "application/json", serde_json::to_string(&list).unwrap_or_default())
        }
    }
}

pub fn partial(v: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": v["metadata"]})
}

#[derive(Serialize)]
struct List<'a> {
    kind: String,
    #[serde(rename = "apiVersion")]
    api: String,
    metadata: Value,
    items: Vec<Bare<'a>>,
}

/// An item of a list carries neither kind nor apiVersion; written as it stands, without a copy of thousands.
struct Bare<'a>(&'a Value);

impl Serialize for Bare<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (key, value) in self.0.as_object().into_iter().flatten() {
            if key != "kind" && key != "apiVersion" {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}
