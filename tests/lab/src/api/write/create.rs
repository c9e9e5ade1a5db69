//! POST of a new object.

use super::Cx;
use crate::api::route::Target;
use crate::api::{Reply, decode, services, status, validate, webhooks};
use crate::objects::{admission, defaults, fields, names, seconds};
use crate::world::State;
use serde_json::{Value, json};

pub fn create(cx: &Cx<'_>) -> Reply {
    let body = match cx.call.object() {
        Ok(body) if body.is_object() => body,
        Ok(_) => return status::bad_request("the object provided is unrecognized"),
        Err(e) => {
            return status::bad_request(&format!(
                "the object provided is unrecognized (must be of type {}): {e}",
                cx.target.kind.kind
            ));
        }
    };
    match insert(cx, body) {
        Ok((v, warnings)) => status::warn(status::reply_json(201, &v), &warnings),
        Err(reply) => *reply,
    }
}

/// Also what an apply of something new comes to.
pub(super) fn insert(cx: &Cx<'_>, body: Value) -> Result<(Value, Vec<String>), Box<Reply>> {
    let kind = cx.target.kind;
    if cx.target.namespace.is_empty() && kind.namespaced {
        return Err(Box::new(status::not_allowed()));
    }
    let foreign = |field: &str, mine: &str| body[field].as_str().is_some_and(|given| given != mine);
    if foreign("kind", kind.kind) || foreign("apiVersion", &kind.api_version()) {
        let message = format!("the object provided is unrecognized (must be of type {})", kind.kind);
        return Err(Box::new(status::bad_request(&message)));
    }
    let applied = body["metadata"]["managedFields"].clone();
    let decoded = decode::decode(kind, cx.call, body).map_err(|e| Box::new(status::bad_request(&e)))?;
    let (mut v, mut warnings) = (decoded.object, decoded.warnings);
    if v["metadata"]["resourceVersion"].as_str().is_some_and(|r| !r.is_empty()) {
        let message = "resourceVersion should not be set on objects to be created";
        return Err(Box::new(status::failure(500, "", message, Value::Null)));
    }
    if v["metadata"]["namespace"].as_str().is_some_and(|n| n != cx.target.namespace) {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Box::new(status::bad_request(message)));
    }
    let now = cx.world.clock.now();
    let mut s = cx.world.lock();
    let target = cx.target.named(&named(&mut s, &mut v));
    identity(&mut v, &target, &mut s, now);
    check(&s, &target, &v)?;
    webhooks::admit(&s, &target, "CREATE")?;
    defaults::fill_in(kind, &mut v);
    defaults::status(kind, &mut v);
    if defaults::has_generation(kind) {
        v["metadata"]["generation"] = json!(1);
    }
    owned(cx, &mut v, applied, now);
    if kind.kind == "Pod" {
        admission::pod(&mut v);
    }
    if kind.kind == "Service" {
        services::allocate(&s, &mut v, &format!("{}/{}", target.namespace, target.name))
            .map_err(|cause| Box::new(status::invalid(&target, &[cause])))?;
    }
    if s.api.get(&target.key()).is_some() {
        return Err(Box::new(status::exists(&target)));
    }
    warnings.extend(validate::warnings(kind, &v));
    if cx.call.dry_run() {
        return Ok((v, warnings));
    }
    let made = s.api.put(target.key(), v);
    drop(s);
    cx.world.update(|_| ());
    Ok((made, warnings))
}

/// The given name, or a drawn one; empty where there is neither.
fn named(s: &mut State, v: &mut Value) -> String {
    let given = v["metadata"]["name"].as_str().unwrap_or_default().to_string();
    match v["metadata"]["generateName"].as_str() {
        Some(start) if given.is_empty() => {
            let start = start.to_string();
            format!("{start}{}", names::suffix(&format!("{start}{}", s.serial()), 5))
        }
        _ => given,
    }
}

/// What the server alone says.
fn identity(v: &mut Value, target: &Target, s: &mut State, now: jiff::Timestamp) {
    let uid = names::uid(&format!("{}{}{}", target.kind.resource, target.name, s.serial()));
    let meta = &mut v["metadata"];
    (meta["name"], meta["uid"]) = (json!(target.name), json!(uid));
    meta["creationTimestamp"] = json!(seconds(now));
    if target.kind.namespaced {
        meta["namespace"] = json!(target.namespace);
    }
    let Some(fields) = meta.as_object_mut() else { return };
    for name in [
        "resourceVersion",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "managedFields",
    ] {
        fields.remove(name);
    }
    for name in ["labels", "annotations"] {
        if fields.get(name).and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
            fields.remove(name);
        }
    }
}

fn check(s: &State, target: &Target, v: &Value) -> Result<(), Box<Reply>> {
    let mut causes = validate::new(target.kind, v);
    if target.name.is_empty() {
        causes = vec![validate::missing_name()];
    }
    if !causes.is_empty() {
        return Err(Box::new(status::invalid(target, &causes)));
    }
    if !target.kind.namespaced {
        return Ok(());
    }
    let key = crate::objects::Key::new("", "namespaces", "", &target.namespace);
    match s.api.get(&key) {
        None => Err(Box::new(status::no_namespace(&target.namespace))),
        Some(n) if n["status"]["phase"] == "Terminating" => Err(Box::new(status::terminating(target))),
        Some(_) => Ok(()),
    }
}

/// An apply has its owner already; status has no owner yet, and neither what the namespace strategy nor what admission adds is the
/// writer's.
fn owned(cx: &Cx<'_>, v: &mut Value, applied: Value, now: jiff::Timestamp) {
    if cx.call.content_type == "application/apply-patch+yaml" {
        v["metadata"]["managedFields"] = applied;
        return;
    }
    let aside: &[&str] = if cx.target.kind.kind == "Namespace" { &["status", "spec"] } else { &["status"] };
    let put_back: Vec<(&str, Value)> =
        aside.iter().filter_map(|name| Some((*name, v.as_object_mut()?.remove(*name)?))).collect();
    fields::updated(&Value::Null, v, &cx.writer(), now);
    for (name, value) in put_back {
        v[name] = value;
    }
}
