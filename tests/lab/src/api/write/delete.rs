//! DELETE of an object or of a collection: preconditions, finalizers, grace of pods, the end of a namespace.

use super::Cx;
use crate::api::selectors::Selector;
use crate::api::{Reply, evict, read, status};
use crate::objects::{Key, seconds};
use crate::world::State;
use serde_json::{Value, json};

pub fn delete(cx: &Cx<'_>) -> Reply {
    let options = cx.call.json();
    let mut s = cx.world.lock();
    let Some(v) = s.api.get(&cx.target.key()).cloned() else { return status::not_found(cx.target) };
    let text = |name: &str| v["metadata"][name].as_str().unwrap_or_default();
    let wanted = |name: &str| options["preconditions"][name].as_str();
    if let Some(uid) = wanted("uid").filter(|w| *w != text("uid")) {
        return status::uid_mismatch(cx.target, uid, text("uid"));
    }
    if let Some(version) = wanted("resourceVersion").filter(|w| *w != text("resourceVersion")) {
        return status::version_mismatch(cx.target, version, text("resourceVersion"));
    }
    if cx.call.dry_run() {
        return status::reply_json(200, &answer(cx, &v, v.clone()));
    }
    let gone = end(&mut s, cx, &cx.target.key(), &options);
    drop(s);
    cx.world.update(|_| ());
    status::reply_json(200, &answer(cx, &v, gone.unwrap_or_else(|| v.clone())))
}

pub fn delete_collection(cx: &Cx<'_>) -> Reply {
    let selector = match Selector::of(cx.target.kind, cx.call) {
        Ok(selector) => selector,
        Err(e) => return status::bad_request(&e),
    };
    let options = cx.call.json();
    let mut s = cx.world.lock();
    let kind = cx.target.kind;
    let all = s.api.of(kind.group, kind.resource);
    let mine = all.filter(|(k, v)| read::in_namespace(cx.target, &k.namespace) && selector.matches(v));
    let keys: Vec<Key> = mine.map(|(k, _)| k.clone()).collect();
    let dry = cx.call.dry_run();
    let items: Vec<Value> = keys
        .iter()
        .filter_map(|key| if dry { s.api.get(key).cloned() } else { end(&mut s, cx, key, &options) })
        .collect();
    let version = s.api.version.to_string();
    drop(s);
    cx.world.update(|_| ());
    let list = json!({"kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(),
        "metadata": {"resourceVersion": version}, "items": items});
    status::reply_json(200, &list)
}

fn end(s: &mut State, cx: &Cx<'_>, key: &Key, options: &Value) -> Option<Value> {
    let now = cx.world.clock.now();
    let number = |name: &str| options[name].as_i64().or_else(|| cx.call.get(name)?.parse().ok());
    if options["propagationPolicy"] == "Orphan" || cx.call.get("propagationPolicy") == Some("Orphan") {
        orphan(s, key);
    }
    let v = s.api.get(key)?;
    let finalizers = v["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty());
    match cx.target.kind.kind {
        "Pod" => evict::terminate(s, key, number("gracePeriodSeconds"), now),
        // The namespace controller empties it and then lets it go.
        "Namespace" => mark(s, key, now, Some("Terminating")),
        _ if finalizers => mark(s, key, now, None),
        _ => s.api.delete(key),
    }
}

fn mark(s: &mut State, key: &Key, now: jiff::Timestamp, phase: Option<&str>) -> Option<Value> {
    s.api.change(key, |v| {
        if v["metadata"]["deletionTimestamp"].is_null() {
            v["metadata"]["deletionTimestamp"] = json!(seconds(now));
            v["metadata"]["deletionGracePeriodSeconds"] = json!(0);
        }
        if let Some(phase) = phase {
            v["status"]["phase"] = json!(phase);
        }
    })
}

/// Dependents stay, without an owner.
fn orphan(s: &mut State, key: &Key) {
    let Some(uid) = s.api.get(key).map(|v| v["metadata"]["uid"].clone()) else { return };
    let mine = |v: &Value| {
        v["metadata"]["ownerReferences"].as_array().into_iter().flatten().any(|o| o["uid"] == uid)
    };
    let keys: Vec<Key> = s.api.everything().filter(|(_, v)| mine(v)).map(|(k, _)| k.clone()).collect();
    for key in keys {
        s.api.change(&key, |v| {
            if let Some(owners) = v["metadata"]["ownerReferences"].as_array_mut() {
                owners.retain(|o| o["uid"] != uid);
            }
        });
    }
}

/// The object where the kind's store returns it, or where it is only marked; else a Status.
fn answer(cx: &Cx<'_>, before: &Value, gone: Value) -> Value {
    let whole = [
        "Pod",
        "Service",
        "ServiceAccount",
        "PodTemplate",
        "ResourceQuota",
        "PersistentVolume",
        "PersistentVolumeClaim",
    ];
    let marked = !gone["metadata"]["deletionTimestamp"].is_null();
    match whole.contains(&cx.target.kind.kind) || marked {
        true => gone,
        false => status::deleted(cx.target, &before["metadata"]["uid"]),
    }
}
