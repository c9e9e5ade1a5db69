//! Whether a patch says only what this node's own files say already. A coordinator that was taken over can place nothing with it.

use crate::host::Files;
use crate::paths;
use podlift_model::Failure;
use podlift_model::op::{Component, PatchName, PatchText};
use serde_json::{Map, Value, json};
use std::path::Path;

pub fn judge(files: &dyn Files, patch: &PatchText) -> Result<(), Failure> {
    let verdict = match component(patch.name) {
        Some(component) => {
            let live = live(files, &paths::manifest(component))?;
            environment(&value(&patch.text), &live, component)
        }
        None => settings(&value(&patch.text), &live(files, Path::new(paths::KUBELET_CONFIG))?),
    };
    verdict.map_err(|why| {
        let message = format!(
            "patch {}: {why}; a patch may only keep what this node has, so put it into kubeadm-config or kubelet-config instead",
            patch.name
        );
        Failure::operator("patch-not-from-here", message)
    })
}

fn component(name: PatchName) -> Option<Component> {
    Component::ALL.iter().copied().find(|c| PatchName::from(*c) == name)
}

/// Nothing: no YAML.
fn value(text: &str) -> Option<Value> {
    serde_saphyr::from_str(text).ok()
}

fn live(files: &dyn Files, path: &Path) -> Result<Value, Failure> {
    let bytes = files.read(path).map_err(|e| crate::ops::shared::file_failure(path, &e))?;
    let unreadable =
        || Failure::operator("patch-not-from-here", format!("{} can't be read as YAML", path.display()));
    value(&String::from_utf8_lossy(&bytes)).ok_or_else(unreadable)
}

/// A Pod that names its container, and of its environment what the live one has.
fn environment(patch: &Option<Value>, live: &Value, component: Component) -> Result<(), String> {
    let patch = patch.as_ref().ok_or("it is no YAML")?;
    let env =
        patch.pointer("/spec/containers/0/env").and_then(Value::as_array).ok_or("it has no environment")?;
    let name = component.name();
    let frame = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"containers": [{"name": name, "env": env}]},
    });
    if *patch != frame {
        return Err("it holds more than the environment of its component".into());
    }
    let containers = live.pointer("/spec/containers").and_then(Value::as_array);
    let own = containers.into_iter().flatten().find(|c| c.get("name").and_then(Value::as_str) == Some(name));
    let has = own.and_then(|c| c.get("env")?.as_array()).cloned().unwrap_or_default();
    match env.iter().find(|e| !plain(e) || !has.contains(e)) {
        Some(new) => Err(format!("the live manifest has no environment {}", shown(new))),
        None => Ok(()),
    }
}

/// A name and a text.
fn plain(entry: &Value) -> bool {
    let text = |key: &str| entry.get(key).is_some_and(Value::is_string);
    entry.as_object().is_some_and(|o| o.len() == 2) && text("name") && text("value")
}

fn shown(entry: &Value) -> String {
    entry.get("name").and_then(Value::as_str).unwrap_or("without a name").into()
}

/// Settings that the live file has with the same value.
fn settings(patch: &Option<Value>, live: &Value) -> Result<(), String> {
    let patch: &Map<String, Value> =
        patch.as_ref().and_then(Value::as_object).ok_or("it is no mapping of settings")?;
    match patch.iter().find(|(key, value)| !live.get(*key).is_some_and(|live| within(value, live))) {
        Some((key, _)) => Err(format!("{key} is not what the live file says")),
        None => Ok(()),
    }
}

/// Part of what is there; a null would take something away.
fn within(patch: &Value, live: &Value) -> bool {
    match (patch, live) {
        (Value::Null, _) => false,
        (Value::Object(patch), Value::Object(live)) => {
            patch.iter().all(|(key, value)| live.get(key).is_some_and(|live| within(value, live)))
        }
        _ => patch == live,
    }
}
