//! Objects as the rows that `kubectl get` prints: columns and cells as kube-apiserver makes them (`pkg/printers/internalversion`).

mod age;
mod cluster;
mod config;
mod pods;
mod workloads;

use super::route::Call;
use super::shown;
use crate::objects::kinds::Kind;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use age::Now;

/// A column: name, type, format, whether only `-o wide` shows it, description.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    name: &'static str,
    kind: &'static str,
    format: &'static str,
    wide: bool,
}

pub const fn text(name: &'static str) -> Column {
    Column { name, kind: "string", format: "", wide: false }
}

pub const fn number(name: &'static str) -> Column {
    Column { name, kind: "integer", format: "", wide: false }
}

pub const fn wide(name: &'static str) -> Column {
    Column { name, kind: "string", format: "", wide: true }
}

const NAME: Column = Column { name: "Name", kind: "string", format: "name", wide: false };
const AGE: Column = text("Age");

/// How a kind is printed.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    /// Between Name and, where `age` says so, Age.
    columns: &'static [Column],
    cells: fn(&Value, Now) -> Vec<Value>,
}

fn printer(kind: &Kind) -> Printer {
    match (kind.group, kind.kind) {
        ("", "Node") => cluster::NODES,
        ("", "Namespace") => cluster::NAMESPACES,
        ("", "Event") => cluster::EVENTS,
        ("coordination.k8s.io", "Lease") => cluster::LEASES,
        ("policy", "PodDisruptionBudget") => cluster::BUDGETS,
        ("", "Pod") => pods::PODS,
        ("apps", "Deployment") => workloads::DEPLOYMENTS,
        ("apps", "DaemonSet") => workloads::DAEMON_SETS,
        ("apps", "ReplicaSet") => workloads::REPLICA_SETS,
        ("apps", "StatefulSet") => workloads::STATEFUL_SETS,
        ("batch", "Job") => workloads::JOBS,
        ("", "ConfigMap") => config::CONFIG_MAPS,
        ("", "Secret") => config::SECRETS,
        ("", "Service") => config::SERVICES,
        ("", "ServiceAccount") => config::SERVICE_ACCOUNTS,
        _ => Printer {
            columns: &[NAME, Column { name: "Created At", kind: "date", format: "", wide: false }],
            cells: plain,
        },
    }
}

fn plain(v: &Value, _: Now) -> Vec<Value> {
    vec![v["metadata"]["name"].clone(), v["metadata"]["creationTimestamp"].clone()]
}

/// `includeObject` decides what a row carries: its metadata, all of it, or nothing.
pub fn table(
    kind: &Kind,
    call: &Call,
    now: Timestamp,
    metadata: Value,
    items: &[&Value],
    columns: bool,
) -> Value {
    let printer = printer(kind);
    let now = Now(now);
    let object = |v: &Value| match call.get("includeObject") {
        Some("Object") => v.clone(),
        Some("None") => Value::Null,
        _ => shown::partial(v),
    };
    let row = |v: &&Value| json!({"cells": (printer.cells)(v, now), "object": object(v)});
    let rows: Vec<Value> = items.iter().map(row).collect();
    let definitions = if columns { printer.columns.iter().map(definition).collect() } else { Value::Null };
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": definitions, "rows": rows})
}

fn definition(c: &Column) -> Value {
    json!({"name": c.name, "type": c.kind, "format": c.format, "description": "", "priority": i32::from(c.wide)})
}

fn name(v: &Value) -> Value {
    v["metadata"]["name"].clone()
}

fn text_or(v: &Value, other: &str) -> String {
    v.as_str().filter(|t| !t.is_empty()).unwrap_or(other).to_string()
}

/// `a=b,c=d`, or `<none>`.
fn pairs(v: &Value) -> String {
    let all =
        v.as_object().into_iter().flatten().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()));
    let all: Vec<String> = all.collect();
    if all.is_empty() { "<none>".into() } else { all.join(",") }
}

/// A label selector as people write it.
fn selector(v: &Value) -> String {
    let plain = v["matchLabels"].as_object().into_iter().flatten();
    let mut all: Vec<String> =
        plain.map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    for e in v["matchExpressions"].as_array().into_iter().flatten() {
        let key = e["key"].as_str().unwrap_or_default();
        let values: Vec<&str> =
            e["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        all.push(match e["operator"].as_str() {
            Some("In") => format!("{key} in ({})", values.join(",")),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("DoesNotExist") => format!("!{key}"),
            _ => key.into(),
        });
    }
    if all.is_empty() { "<none>".into() } else { all.join(",") }
}

#[cfg(test)]
mod tests;
