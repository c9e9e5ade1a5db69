//! Defaults of a pod's spec, also inside a template (`pkg/apis/core/v1/defaults.go`).

use super::fill;
use serde_json::{Value, json};

pub fn pod_spec(spec: &mut Value) {
    for (name, value) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("securityContext", json!({})),
        ("schedulerName", json!("default-scheduler")),
    ] {
        fill(spec, name, value);
    }
    for list in ["initContainers", "containers"] {
        spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().for_each(container);
    }
    if spec["initContainers"].is_null() {
        spec.as_object_mut().map(|s| s.remove("initContainers"));
    }
    match spec.get_mut("volumes").and_then(Value::as_array_mut) {
        Some(volumes) => volumes.iter_mut().for_each(volume),
        None => drop(spec.as_object_mut().map(|s| s.remove("volumes"))),
    }
    if spec["serviceAccountName"].is_null() {
        spec.as_object_mut().map(|s| s.remove("serviceAccountName"));
    } else {
        spec["serviceAccount"] = spec["serviceAccountName"].clone();
    }
}

fn container(c: &mut Value) {
    fill(c, "resources", json!({}));
    fill(c, "terminationMessagePath", json!("/dev/termination-log"));
    fill(c, "terminationMessagePolicy", json!("File"));
    let image = c["image"].as_str().unwrap_or_default();
    let name = image.rsplit('/').next().unwrap_or_default();
    let newest = !image.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest");
    fill(c, "imagePullPolicy", json!(if newest { "Always" } else { "IfNotPresent" }));
    let Some(fields) = c.as_object_mut() else { return };
    for list in ["ports", "env"] {
        for item in fields.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if list == "ports" {
                fill(item, "protocol", json!("TCP"));
            } else if item["valueFrom"]["fieldRef"].is_object() {
                fill(&mut item["valueFrom"]["fieldRef"], "apiVersion", json!("v1"));
            } else if item["valueFrom"].is_null() {
                item.as_object_mut().map(|i| i.remove("valueFrom"));
            }
        }
    }
    for kind in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = fields.get_mut(kind) {
            self::probe(probe);
        }
    }
}

fn probe(p: &mut Value) {
    for (name, value) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        fill(p, name, json!(value));
    }
    if let Some(get) = p.get_mut("httpGet") {
        fill(get, "scheme", json!("HTTP"));
        fill(get, "path", json!("/"));
    }
}

fn volume(v: &mut Value) {
    let Some(fields) = v.as_object_mut() else { return };
    for kind in ["configMap", "secret", "projected", "downwardAPI"] {
        if let Some(source) = fields.get_mut(kind) {
            fill(source, "defaultMode", json!(420));
        }
    }
    if let Some(path) = fields.get_mut("hostPath") {
        fill(path, "type", json!(""));
    }
}

/// `status.qosClass`.
pub fn quality(spec: &Value) -> &'static str {
    let lists = ["containers", "initContainers"].map(|l| spec[l].as_array().into_iter().flatten());
    let all: Vec<&Value> = lists.into_iter().flatten().map(|c| &c["resources"]).collect();
    let compute =
        |r: &Value, list: &str| ["cpu", "memory"].iter().filter(|name| !r[list][**name].is_null()).count();
    if all.iter().all(|r| compute(r, "limits") + compute(r, "requests") == 0) {
        return "BestEffort";
    }
    let full = |r: &&Value| {
        compute(r, "limits") == 2
            && ["cpu", "memory"]
                .iter()
                .all(|n| r["requests"][*n].is_null() || r["requests"][*n] == r["limits"][*n])
    };
    if all.iter().all(full) { "Guaranteed" } else { "Burstable" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualities() {
        let spec = |r: Value| json!({"containers": [{"resources": r}]});
        assert_eq!(quality(&spec(json!({}))), "BestEffort");
        assert_eq!(quality(&spec(json!({"requests": {"cpu": "1"}}))), "Burstable");
        assert_eq!(quality(&spec(json!({"limits": {"cpu": "1", "memory": "1Gi"}}))), "Guaranteed");
    }
}
