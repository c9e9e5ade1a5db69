//! Raw objects of the API, cleaned so that they can be created again: without what the API server and controllers write themselves. What
//! decides how an object is reached stays: cluster addresses, node ports, selectors.

use super::providers;
use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    #[error("kind is {0:?}: expected {1:?}")]
    Kind(String, &'static str),
    #[error("{0} is missing: expected {1}")]
    Missing(&'static str, &'static str),
    #[error("spec.type is {0:?}: expected \"LoadBalancer\"")]
    NoLoadBalancer(String),
}

/// Fields of the metadata that only the object had that is gone. An owner of it may be gone, too, and garbage collection would delete the
/// new object at once.
const OF_THE_OLD: [&str; 9] = [
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "generation",
    "managedFields",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
];

/// kubectl's copy of the object that was applied; of a secret it has the bytes.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A service as it can be created again. `pin` are the addresses that it must get; its provider is asked for them in its own way.
pub fn cleaned_service(raw: &Value, pin: &[String]) -> Result<Value, RawError> {
    let mut object = cleaned(raw, "Service", "v1")?;
    let spec = object.get("spec").and_then(Value::as_object);
    let spec = spec.ok_or(RawError::Missing("spec", "the specification of a service"))?;
    match spec.get("type").and_then(Value::as_str) {
        Some("LoadBalancer") => {}
        other => return Err(RawError::NoLoadBalancer(other.unwrap_or_default().into())),
    }
    if spec.get("ports").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return Err(RawError::Missing("spec.ports", "at least one port"));
    }
    if !pin.is_empty() {
        providers::of(raw).pin(&mut object, pin);
    }
    Ok(object)
}

/// A secret as it can be created again, with its data.
pub fn cleaned_secret(raw: &Value) -> Result<Value, RawError> {
    let mut object = cleaned(raw, "Secret", "v1")?;
    if !object.get("data").is_some_and(Value::is_object) {
        return Err(RawError::Missing("data", "the keys of a secret"));
    }
    if let Some(annotations) = object["metadata"].get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
    }
    without_empty(&mut object);
    Ok(object)
}

fn cleaned(raw: &Value, kind: &'static str, version: &str) -> Result<Value, RawError> {
    // Items of a list carry neither kind nor version.
    match raw.get("kind").and_then(Value::as_str) {
        None => {}
        Some(is) if is == kind => {}
        Some(other) => return Err(RawError::Kind(other.into(), kind)),
    }
    let source = raw.as_object().ok_or(RawError::Missing("metadata", "an object of the API"))?;
    let metadata = source.get("metadata").and_then(Value::as_object);
    let metadata = metadata.ok_or(RawError::Missing("metadata", "name and namespace of the object"))?;
    for (field, expected) in
        [("name", "the name of the object"), ("namespace", "the namespace of the object")]
    {
        if metadata.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(RawError::Missing(
                if field == "name" { "metadata.name" } else { "metadata.namespace" },
                expected,
            ));
        }
    }
    let kept = metadata.iter().filter(|(key, _)| !OF_THE_OLD.contains(&key.as_str()));
    let kept: Map<String, Value> = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut out: Map<String, Value> = Map::new();
    out.insert("apiVersion".into(), version.into());
    out.insert("kind".into(), kind.into());
    out.insert("metadata".into(), kept.into());
    let rest = source
        .iter()
        .filter(|(key, _)| !["apiVersion", "kind", "metadata", "status"].contains(&key.as_str()));
    out.extend(rest.map(|(key, value)| (key.clone(), value.clone())));
    let mut object = Value::Object(out);
    drop_finalizers(&mut object);
    without_empty(&mut object);
    Ok(object)
}

/// Finalizers belong to controllers, which add them to a new object themselves; one whose controller is gone would keep it for ever.
fn drop_finalizers(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("finalizers");
    }
}

fn without_empty(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|key, value| {
            !(key == "annotations" || key == "labels") || value.as_object().is_some_and(|map| !map.is_empty())
        });
    }
}

#[cfg(test)]
#[path = "raw_tests.rs"]
mod tests;
