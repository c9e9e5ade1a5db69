//! PUT, and what every change has in common: preconditions, what may not change, who owns it now, generation, finalizers.

use super::Cx;
use crate::api::{Reply, decode, status, validate, webhooks};
use crate::objects::{defaults, fields};
use crate::world::State;
use serde_json::{Value, json};

pub fn replace(cx: &Cx<'_>) -> Reply {
    let wanted = match cx.call.object() {
        Ok(body) if body.is_object() => body,
        Ok(_) => return status::bad_request("the object provided is unrecognized"),
        Err(e) => return status::bad_request(&e),
    };
    let name = wanted["metadata"]["name"].as_str().unwrap_or_default();
    if name != cx.target.name {
        let message = format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            cx.target.name
        );
        return status::bad_request(&message);
    }
    // Two objects at the same time may not both win.
    let careful = matches!(cx.target.kind.kind, "Lease" | "PodDisruptionBudget");
    if careful && wanted["metadata"]["resourceVersion"].as_str().unwrap_or_default().is_empty() {
        return status::invalid(cx.target, &[validate::missing_version()]);
    }
    change(cx, true, |_| Ok(wanted))
}

/// What an edit comes to; `owned` says that the fields' owner is to be worked out here.
pub(super) fn change(
    cx: &Cx<'_>,
    owned: bool,
    edit: impl FnOnce(&Value) -> Result<Value, Box<Reply>>,
) -> Reply {
    match locked(cx, owned, edit) {
        Ok((before, made, warnings)) => {
            if !cx.call.dry_run() {
                cx.world.update(|_| ());
                cx.effects(&before, &made);
            }
            status::warn(status::reply_json(200, &made), &warnings)
        }
        Err(reply) => *reply,
    }
}

type Changed = (Value, Value, Vec<String>);

fn locked(
    cx: &Cx<'_>,
    owned: bool,
    edit: impl FnOnce(&Value) -> Result<Value, Box<Reply>>,
) -> Result<Changed, Box<Reply>> {
    let (kind, now) = (cx.target.kind, cx.world.clock.now());
    let mut s = cx.world.lock();
    let before = s.api.get(&cx.target.key()).cloned();
    let before = before.ok_or_else(|| Box::new(status::not_found(cx.target)))?;
    if cx.target.subresource.is_none() {
        webhooks::admit(&s, cx.target, "UPDATE")?;
    }
    let edited = edit(&before)?;
    let decoded = decode::decode(kind, cx.call, edited).map_err(|e| Box::new(status::bad_request(&e)))?;
    let mut after = decoded.object;
    preconditions(cx, &before, &after)?;
    keep(cx, &before, &mut after);
    prune(&mut after);
    if cx.target.subresource.is_none() {
        defaults::fill_in(kind, &mut after);
        let causes = validate::change(kind, &before, &after);
        if !causes.is_empty() {
            return Err(Box::new(status::invalid(cx.target, &causes)));
        }
    }
    if defaults::has_generation(kind) && after["spec"] != before["spec"] {
        after["metadata"]["generation"] = json!(before["metadata"]["generation"].as_i64().unwrap_or(1) + 1);
    }
    if owned {
        fields::updated(&before, &mut after, &cx.writer(), now);
    }
    if cx.call.dry_run() {
        after["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
        return Ok((before, after, decoded.warnings));
    }
    let made = store(&mut s, cx, after);
    Ok((before, made, decoded.warnings))
}

/// Stores it; or deletes it, where the last finalizer of what is being deleted went.
fn store(s: &mut State, cx: &Cx<'_>, after: Value) -> Value {
    let meta = &after["metadata"];
    let free = meta["finalizers"].as_array().is_none_or(Vec::is_empty);
    let over = !meta["deletionTimestamp"].is_null() && meta["deletionGracePeriodSeconds"] == 0;
    let made = s.api.put(cx.target.key(), after);
    if over && free && !matches!(cx.target.kind.kind, "Pod" | "Namespace") {
        s.api.delete(&cx.target.key());
    }
    made
}

fn preconditions(cx: &Cx<'_>, before: &Value, after: &Value) -> Result<(), Box<Reply>> {
    let text = |v: &Value, name: &str| v["metadata"][name].as_str().unwrap_or_default().to_string();
    let version = text(after, "resourceVersion");
    if !version.is_empty() && version != text(before, "resourceVersion") {
        return Err(Box::new(status::modified(cx.target)));
    }
    let uid = text(after, "uid");
    if !uid.is_empty() && uid != text(before, "uid") {
        return Err(Box::new(status::uid_mismatch(cx.target, &uid, &text(before, "uid"))));
    }
    Ok(())
}

/// What this way of writing can't change: identity always, the status by the object itself, all but the status by `/status`.
fn keep(cx: &Cx<'_>, before: &Value, after: &mut Value) {
    for name in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "resourceVersion",
        "generateName",
    ] {
        copy(&before["metadata"], &mut after["metadata"], name);
    }
    match cx.target.subresource.as_deref() {
        Some("status") => copy(before, after, "spec"),
        None if cx.target.kind.has_status() => copy(before, after, "status"),
        _ => {}
    }
}

fn copy(from: &Value, to: &mut Value, name: &str) {
    match &from[name] {
        Value::Null => drop(to.as_object_mut().and_then(|o| o.remove(name))),
        value => to[name] = value.clone(),
    }
}

/// Empty labels and annotations and a false unschedulable are not stored.
fn prune(v: &mut Value) {
    for name in ["labels", "annotations", "finalizers", "ownerReferences"] {
        let field = &v["metadata"][name];
        let empty = field.as_object().is_some_and(serde_json::Map::is_empty)
            || field.as_array().is_some_and(Vec::is_empty);
        if empty {
            v["metadata"].as_object_mut().map(|m| m.remove(name));
        }
    }
    if v["kind"] == "Node" && v["spec"]["unschedulable"] == false {
        v["spec"].as_object_mut().map(|m| m.remove("unschedulable"));
    }
    if v["kind"] == "Node" && v["spec"]["taints"].as_array().is_some_and(Vec::is_empty) {
        v["spec"].as_object_mut().map(|m| m.remove("taints"));
    }
}
