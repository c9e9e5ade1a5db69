//! What a real API server fills in when an object is created or changed: defaults by kind, before admission. Idempotent.

mod pod;
mod workload;

use super::kinds::Kind;
use serde_json::{Value, json};

pub use pod::{pod_spec, quality};

/// Sets a field that is not there.
pub fn fill(v: &mut Value, field: &str, value: Value) {
    if v[field].is_null() {
        v[field] = value;
    }
}

/// `metadata.generation` counts changes of these.
pub fn has_generation(kind: &Kind) -> bool {
    matches!(
        (kind.group, kind.kind),
        ("apps", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet")
            | ("batch" | "policy" | "networking.k8s.io", _)
            | ("", "ReplicationController")
    )
}

/// Of the spec: also after a change.
pub fn fill_in(kind: &Kind, v: &mut Value) {
    match (kind.group, kind.kind) {
        ("", "Pod") => {
            pod_spec(&mut v["spec"]);
            fill(&mut v["spec"], "enableServiceLinks", json!(true));
        }
        ("", "Namespace") => {
            v["metadata"]["labels"]["kubernetes.io/metadata.name"] = v["metadata"]["name"].clone();
            fill(v, "spec", json!({"finalizers": ["kubernetes"]}));
        }
        ("", "Secret") => secret(v),
        ("", "Service") => service(&mut v["spec"]),
        ("", "Event") => event(v),
        ("apps" | "batch", _) => workload::fill_in(kind.kind, v),
        _ => {}
    }
}

/// The status of a new object: what the body says of it is not heard.
pub fn status(kind: &Kind, v: &mut Value) {
    if !kind.has_status() {
        return;
    }
    let fresh = match (kind.group, kind.kind) {
        ("", "Pod") => json!({"phase": "Pending", "qosClass": quality(&v["spec"])}),
        ("", "Namespace") => json!({"phase": "Active"}),
        ("", "Service") => json!({"loadBalancer": {}}),
        ("", "PersistentVolumeClaim") => json!({"phase": "Pending"}),
        // Nodes bring their own.
        ("", "Node") => v["status"].take(),
        ("apps", "DaemonSet") => {
            json!({"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0})
        }
        ("apps", "ReplicaSet") => json!({"replicas": 0}),
        ("apps", "StatefulSet") => json!({"replicas": 0, "availableReplicas": 0}),
        ("policy", "PodDisruptionBudget") => {
            json!({"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0})
        }
        _ => json!({}),
    };
    if !fresh.is_null() {
        v["status"] = fresh;
    }
}

fn secret(v: &mut Value) {
    use base64::Engine as _;
    fill(v, "type", json!("Opaque"));
    let plain = v.as_object_mut().and_then(|o| o.remove("stringData"));
    for (key, value) in plain.iter().filter_map(Value::as_object).flatten() {
        let bytes = value.as_str().unwrap_or_default();
        v["data"][key] = json!(base64::engine::general_purpose::STANDARD.encode(bytes));
    }
}

/// Addresses and ports are given later, by `services`.
fn service(spec: &mut Value) {
    fill(spec, "type", json!("ClusterIP"));
    fill(spec, "sessionAffinity", json!("None"));
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        fill(port, "protocol", json!("TCP"));
        let same = port["port"].clone();
        fill(port, "targetPort", same);
    }
    let kind = spec["type"].as_str().unwrap_or_default().to_string();
    if kind != "ExternalName" {
        fill(spec, "internalTrafficPolicy", json!("Cluster"));
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        fill(spec, "externalTrafficPolicy", json!("Cluster"));
    }
    if kind == "LoadBalancer" {
        fill(spec, "allocateLoadBalancerNodePorts", json!(true));
    }
}

fn event(v: &mut Value) {
    fill(v, "source", json!({}));
    for name in ["reportingComponent", "reportingInstance"] {
        fill(v, name, json!(""));
    }
    if let Some(map) = v.as_object_mut() {
        for name in ["firstTimestamp", "lastTimestamp", "eventTime"] {
            map.entry(name).or_insert(Value::Null);
        }
    }
}
