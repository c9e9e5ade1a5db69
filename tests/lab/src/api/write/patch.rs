//! PATCH, by content type.

use super::{Cx, change, create};
use crate::api::{Reply, patch as patches, status};
use crate::objects::fields::Writer;
use serde_json::{Value, json};

const ACCEPTED: &str = "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml";

pub fn patch(cx: &Cx<'_>) -> Reply {
    let body = match cx.call.object() {
        Ok(body) => body,
        Err(e) => return status::bad_request(&format!("error decoding patch: {e}")),
    };
    match cx.call.content_type.as_str() {
        "application/json-patch+json" => change::change(cx, true, |live| json_patch(live, &body)),
        "application/merge-patch+json" => change::change(cx, true, |live| {
            let mut v = live.clone();
            patches::merge(&mut v, &body);
            Ok(v)
        }),
        "application/strategic-merge-patch+json" => change::change(cx, true, |live| {
            let mut v = live.clone();
            patches::strategic(&mut v, &body);
            Ok(v)
        }),
        "application/apply-patch+yaml" => apply(cx, body),
        _ => status::unsupported_media_type(ACCEPTED),
    }
}

fn json_patch(live: &Value, ops: &Value) -> Result<Value, Box<Reply>> {
    let mut v = live.clone();
    match patches::json(&mut v, ops) {
        Ok(true) => Ok(v),
        Ok(false) => Err(Box::new(status::invalid_patch())),
        Err(e) => Err(Box::new(status::bad_request(&format!("error decoding patch: {e}")))),
    }
}

/// Server-side apply: changes what is there, or creates it.
fn apply(cx: &Cx<'_>, config: Value) -> Reply {
    let Some(manager) = cx.call.get("fieldManager").filter(|m| !m.is_empty()) else {
        let message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
        return status::failure(
            422,
            "Invalid",
            message,
            json!({"group": "meta.k8s.io", "kind": "PatchOptions",
            "causes": [{"reason": "FieldValueRequired", "message": "Required value: is required for apply patch", "field": "fieldManager"}]}),
        );
    };
    if !config["metadata"]["managedFields"].is_null() {
        return status::bad_request("metadata.managedFields must be nil");
    }
    if config["kind"] != cx.target.kind.kind || config["apiVersion"] != cx.target.kind.api_version().as_str()
    {
        return status::bad_request(&format!(
            "the object provided is unrecognized (must be of type {})",
            cx.target.kind.kind
        ));
    }
    let writer =
        Writer { manager: manager.into(), operation: "Apply", subresource: cx.target.subresource.clone() };
    let (now, force) = (cx.world.clock.now(), cx.call.flag("force"));
    let there = cx.world.lock().api.get(&cx.target.key()).is_some();
    if there {
        return change::change(cx, false, |live| {
            let merged = patches::apply(live, &config, &writer, force, now);
            merged.map_err(|conflicts| Box::new(status::apply_conflict(&conflicts)))
        });
    }
    let mut body = match patches::apply(&Value::Null, &config, &writer, force, now) {
        Ok(body) => body,
        Err(conflicts) => return status::apply_conflict(&conflicts),
    };
    body["metadata"]["name"] = json!(cx.target.name);
    match create::insert(cx, body) {
        Ok((v, warnings)) => status::warn(status::reply_json(201, &v), &warnings),
        Err(reply) => *reply,
    }
}
