//! Answers: JSON, and the Status bodies of failures word for word.

use super::patch::Conflict;
use super::rbac::Asked;
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

pub fn reply_text(status: u16, content: &'static str, body: String) -> Reply {
    reply(status, content, full(body))
}

pub fn text(status: u16, body: impl Into<String>) -> Reply {
    reply(status, "text/plain; charset=utf-8", full(body.into()))
}

/// 429 of priority and fairness, which is no Status.
pub fn busy(seconds: u32) -> Reply {
    retry_after(text(429, "Too many requests, please try again later.\n"), seconds)
}

pub fn retry_after(mut reply: Reply, seconds: u32) -> Reply {
    reply.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    reply
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

/// To whom shows nothing where something must be shown, or a certificate of another CA.
pub const UNAUTHORIZED: &str = "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}";

pub fn unauthorized() -> Reply {
    reply(401, "application/json", full(UNAUTHORIZED))
}

fn named(target: &Target) -> Value {
    let mut details = json!({"name": target.name, "kind": target.kind.resource});
    if !target.kind.group.is_empty() {
        details["group"] = json!(target.kind.group);
    }
    details
}

pub fn not_found(target: &Target) -> Reply {
    let message = format!("{} \"{}\" not found", target.kind.qualified(), target.name);
    failure(404, "NotFound", &message, named(target))
}

pub fn exists(target: &Target) -> Reply {
    let message = format!("{} \"{}\" already exists", target.kind.qualified(), target.name);
    failure(409, "AlreadyExists", &message, named(target))
}

pub fn modified(target: &Target) -> Reply {
    let message = format!(
        "Operation cannot be fulfilled on {} \"{}\": the object has been modified; please apply your changes to the latest version and try again",
        target.kind.qualified(),
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

pub fn version_mismatch(target: &Target, wanted: &str, found: &str) -> Reply {
    let message = format!(
        "Operation cannot be fulfilled on {kind} \"{name}\": the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({found}). The object might have been modified",
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

pub fn forbidden(target: &Target, call: &Call, user: &str) -> Reply {
    forbidden_because(target, call, user, "")
}

/// `why` follows the message.
pub fn forbidden_because(target: &Target, call: &Call, user: &str, why: &str) -> Reply {
    let asked = Asked::of(target, call);
    let place = match target.namespace.as_str() {
        "" => "at the cluster scope".to_string(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    let mut details = json!({"kind": target.kind.resource});
    let mut subject = target.kind.qualified();
    if !target.name.is_empty() {
        subject = format!("{subject} \"{}\"", target.name);
        details["name"] = json!(target.name);
    }
    let message = format!(
        "{subject} is forbidden: User \"{user}\" cannot {} resource \"{}\" in API group \"{}\" {place}{why}",
        asked.verb, asked.resource, target.kind.group
    );
    failure(403, "Forbidden", &message, details)
}

/// 403 of a path that names no resource.
pub fn forbidden_path(path: &str, user: &str) -> Reply {
    let message = format!("forbidden: User \"{user}\" cannot get path \"{path}\"");
    failure(403, "Forbidden", &message, json!({}))
}

/// One reason why an object is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// FieldValueInvalid, FieldValueRequired, FieldValueForbidden…
    pub reason: &'static str,
    pub field: String,
    pub message: String,
}

/// 422 with its causes, as `errors.NewInvalid` words it.
pub fn invalid(target: &Target, causes: &[Cause]) -> Reply {
    let line = |c: &Cause| format!("{}: {}", c.field, c.message);
    let text = match causes {
        [one] => line(one),
        all => format!("[{}]", all.iter().map(line).collect::<Vec<_>>().join(", ")),
    };
    let message = format!("{} \"{}\" is invalid: {text}", target.kind.kind, target.name);
    let causes: Vec<Value> =
        causes.iter().map(|c| json!({"reason": c.reason, "message": c.message, "field": c.field})).collect();
    let mut details = json!({"name": target.name, "kind": target.kind.kind, "causes": causes});
    if !target.kind.group.is_empty() {
        details["group"] = json!(target.kind.group);
    }
    failure(422, "Invalid", &message, details)
}

/// What a DELETE of most kinds answers.
pub fn deleted(target: &Target, uid: &Value) -> Value {
    let mut details = named(target);
    details["uid"] = uid.clone();
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

pub fn not_acceptable() -> Reply {
    let message = "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf";
    failure(406, "NotAcceptable", message, Value::Null)
}

pub fn unsupported_media_type(accepted: &str) -> Reply {
    let message = format!(
        "the body of the request was in an unknown format - accepted media types include: {accepted}"
    );
    failure(415, "UnsupportedMediaType", &message, Value::Null)
}

/// Adds `Warning: 299 - "TEXT"` for each.
pub fn warn(mut reply: Reply, warnings: &[String]) -> Reply {
    for text in warnings {
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = http::HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            reply.headers_mut().append(http::header::WARNING, value);
        }
    }
    reply
}

/// 504: a version that this server has not seen yet.
pub fn too_large(wanted: u64, newest: u64) -> Reply {
    let message = format!("Timeout: Too large resource version: {wanted}, current: {newest}");
    let causes = json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]);
    failure(504, "Timeout", &message, json!({"causes": causes, "retryAfterSeconds": 1}))
}

/// 410 in the middle of a list, with a token for the rest as it is now.
pub fn expired_page(token: &str) -> Reply {
    let message = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
    let mut body = status_body(410, "Expired", message, Value::Null);
    body["metadata"] = json!({"continue": token});
    reply_json(410, &body)
}

pub fn not_allowed() -> Reply {
    let message = "the server does not allow this method on the requested resource";
    failure(405, "MethodNotAllowed", message, json!({}))
}

pub fn no_namespace(name: &str) -> Reply {
    let message = format!("namespaces \"{name}\" not found");
    failure(404, "NotFound", &message, json!({"name": name, "kind": "namespaces"}))
}

/// 403 with the cause by which clients know it.
pub fn terminating(target: &Target) -> Reply {
    let namespace = &target.namespace;
    let why = format!("namespace {namespace} is being terminated");
    let message = format!(
        "{} \"{}\" is forbidden: unable to create new content in namespace {namespace} because it is being terminated",
        target.kind.qualified(),
        target.name
    );
    let mut details = named(target);
    details["causes"] =
        json!([{"reason": "NamespaceTerminating", "message": why, "field": "metadata.namespace"}]);
    failure(403, "Forbidden", &message, details)
}

/// 409 of a server-side apply, one cause a field.
pub fn apply_conflict(all: &[Conflict]) -> Reply {
    let mut by: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
    for c in all {
        by.entry(&c.manager).or_default().push(&c.field);
    }
    let groups = by.iter().map(|(manager, fields)| match fields.as_slice() {
        [one] => format!("conflict with {manager}: {one}"),
        many => format!("conflicts with {manager}:\n- {}", many.join("\n- ")),
    });
    let plural = if all.len() == 1 { "conflict" } else { "conflicts" };
    let message =
        format!("Apply failed with {} {plural}: {}", all.len(), groups.collect::<Vec<_>>().join("\n"));
    let causes: Vec<Value> = all
        .iter()
        .map(|c| json!({"reason": "FieldManagerConflict", "message": format!("conflict with {}", c.manager), "field": c.field}))
        .collect();
    failure(409, "Conflict", &message, json!({"causes": causes}))
}
