//! What admission adds to a new pod: the service account's token, tolerations of a node that is lost for a while, priority.

use super::defaults::fill;
use super::names;
use serde_json::{Value, json};

/// Where a token is mounted.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

pub fn pod(v: &mut Value) {
    let mirror = !v["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_null();
    let name = format!("{}{}", v["metadata"]["namespace"], v["metadata"]["name"]);
    let spec = &mut v["spec"];
    if !mirror {
        fill(spec, "serviceAccountName", json!("default"));
        spec["serviceAccount"] = spec["serviceAccountName"].clone();
        token(spec, &name);
    }
    priority(spec);
    tolerations(spec);
}

fn token(spec: &mut Value, name: &str) {
    let mounted =
        |c: &Value| c["volumeMounts"].as_array().into_iter().flatten().any(|m| m["mountPath"] == TOKEN);
    if spec["automountServiceAccountToken"] == false
        || spec["containers"].as_array().into_iter().flatten().any(mounted)
    {
        return;
    }
    let volume = format!("kube-api-access-{}", names::suffix(name, 5));
    for list in ["initContainers", "containers"] {
        let Some(containers) = spec.get_mut(list).and_then(Value::as_array_mut) else { continue };
        for c in containers {
            push(c, "volumeMounts", json!({"name": volume, "readOnly": true, "mountPath": TOKEN}));
        }
    }
    push(
        spec,
        "volumes",
        json!({"name": volume, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}]}}),
    );
}

fn push(v: &mut Value, field: &str, item: Value) {
    fill(v, field, json!([]));
    if let Some(list) = v[field].as_array_mut() {
        list.push(item);
    }
}

fn priority(spec: &mut Value) {
    let class = match spec["priorityClassName"].as_str() {
        Some("system-node-critical") => 2_000_001_000,
        Some("system-cluster-critical") => 2_000_000_000,
        _ => 0,
    };
    fill(spec, "priority", json!(class));
    fill(spec, "preemptionPolicy", json!("PreemptLowerPriority"));
    if spec["priorityClassName"].is_null() {
        spec.as_object_mut().map(|s| s.remove("priorityClassName"));
    }
}

fn tolerations(spec: &mut Value) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let covers = |t: &Value| {
            (t["key"] == key || (t["key"].is_null() && t["operator"] == "Exists"))
                && (t["effect"].is_null() || t["effect"] == "NoExecute")
        };
        if !spec["tolerations"].as_array().into_iter().flatten().any(covers) {
            push(
                spec,
                "tolerations",
                json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            );
        }
    }
}
