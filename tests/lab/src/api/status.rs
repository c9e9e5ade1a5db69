//! Answers: JSON, and the Status bodies of failures word for word.

use super::route::{Call, Target};
use super::{Body, Reply, full};
use http::Response;
use serde_json::{Value, json};

fn reply(status: u16, content: &'static str, body: Body) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    reply.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content));
    reply
}

pub fn reply_json(status: u16, body: &Value) -> Reply {
    reply(status, "application/json", full(body.to_string()))
}

pub fn text(status: u16, body: impl Into<String>) -> Reply {
    reply(status, "text/plain; charset=utf-8", full(body.into()))
}

pub fn stream(body: Body) -> Reply {
    reply(200, "application/json", body)
}

pub fn not_found_page() -> Reply {
    text(404, "404 page not found\n")
}

/// A Status without the fields that are empty.
pub fn status_body(code: u16, reason: &str, message: &str, details: Value) -> Value {
    let mut v = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "code": code});
    if !reason.is_empty() {
        v["reason"] = json!(reason);
    }
    if !details.is_null() {
        v["details"] = details;
    }
    v
}

pub fn failure(code: u16, reason: &str, message: &str, details: Value) -> Reply {
    reply_json(code, &status_body(code, reason, message, details))
}

fn named(target: &Target) -> Value {
    let mut details = json!({"name": target.name, "kind": target.kind.resource});
    if !target.kind.group.is_empty() {
        details["group"] = json!(target.kind.group);
    }
    details
}

fn full_resource(target: &Target) -> String {
    match target.kind.group {
        "" => target.kind.resource.into(),
        group => format!("{}.{group}", target.kind.resource),
    }
}

pub fn not_found(target: &Target) -> Reply {
    let message = format!("{} \"{}\" not found", full_resource(target), target.name);
    failure(404, "NotFound", &message, named(target))
}

pub fn exists(target: &Target) -> Reply {
    let message = format!("{} \"{}\" already exists", full_resource(target), target.name);
    failure(409, "AlreadyExists", &message, named(target))
}

pub fn modified(target: &Target) -> Reply {
    let message = format!(
        "Operation cannot be fulfilled on {} \"{}\": the object has been modified; please apply your changes to the latest version and try again",
        full_resource(target),
        target.name
    );
    failure(409, "Conflict", &message, named(target))
}

pub fn uid_mismatch(target: &Target, wanted: &str, found: &str) -> Reply {
    let message = format!(
        "Operation cannot be fulfilled on {kind} \"{name}\": the UID in the precondition ({wanted}) does not match the UID in record ({found}). The object might have been deleted and then recreated",
        kind = target.kind.kind,
        name = target.name
    );
    failure(409, "Conflict", &message, json!({"name": target.name, "kind": target.kind.kind}))
}

pub fn invalid_patch() -> Reply {
    failure(422, "Invalid", "the server rejected our request due to an error in our request", json!({}))
}

pub fn bad_request(message: &str) -> Reply {
    failure(400, "BadRequest", message, Value::Null)
}

pub fn forbidden(target: &Target, call: &Call) -> Reply {
    let verb = match (call.method.as_str(), target.name.is_empty()) {
        ("GET", true) => "list",
        ("GET", false) => "get",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        _ => "delete",
    };
    let place = match target.namespace.as_str() {
        "" => "at the cluster scope".to_string(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    let resource = target.kind.resource;
    let mut details = json!({"kind": resource});
    let mut subject = full_resource(target);
    if !target.name.is_empty() {
        subject = format!("{subject} \"{}\"", target.name);
        details["name"] = json!(target.name);
    }
    let message = format!(
        "{subject} is forbidden: User \"system:anonymous\" cannot {verb} resource \"{resource}\" in API group \"{}\" {place}",
        target.kind.group
    );
    failure(403, "Forbidden", &message, details)
}
