//! Defaults of what makes pods (`pkg/apis/apps/v1/defaults.go`, `pkg/apis/batch/v1/defaults.go`).

use super::{fill, pod_spec};
use serde_json::{Value, json};

pub fn fill_in(kind: &str, v: &mut Value) {
    let spec = &mut v["spec"];
    match kind {
        "Deployment" => {
            fill(spec, "replicas", json!(1));
            fill(spec, "revisionHistoryLimit", json!(10));
            fill(spec, "progressDeadlineSeconds", json!(600));
            rolling(&mut spec["strategy"], json!({"maxUnavailable": "25%", "maxSurge": "25%"}));
        }
        "DaemonSet" => {
            fill(spec, "revisionHistoryLimit", json!(10));
            rolling(&mut spec["updateStrategy"], json!({"maxUnavailable": 1, "maxSurge": 0}));
        }
        "ReplicaSet" => fill(spec, "replicas", json!(1)),
        "StatefulSet" => {
            fill(spec, "replicas", json!(1));
            fill(spec, "revisionHistoryLimit", json!(10));
            fill(spec, "podManagementPolicy", json!("OrderedReady"));
            fill(
                spec,
                "persistentVolumeClaimRetentionPolicy",
                json!({"whenDeleted": "Retain", "whenScaled": "Retain"}),
            );
            rolling(&mut spec["updateStrategy"], json!({"partition": 0}));
        }
        "Job" => {
            for (name, value) in [
                ("completions", json!(1)),
                ("parallelism", json!(1)),
                ("backoffLimit", json!(6)),
                ("completionMode", json!("NonIndexed")),
                ("suspend", json!(false)),
                ("podReplacementPolicy", json!("TerminatingOrFailed")),
            ] {
                fill(spec, name, value);
            }
        }
        _ => return,
    }
    template(&mut spec["template"]);
}

fn rolling(strategy: &mut Value, how: Value) {
    fill(strategy, "type", json!("RollingUpdate"));
    if strategy["type"] == "RollingUpdate" {
        for (name, value) in how.as_object().into_iter().flatten() {
            fill(&mut strategy["rollingUpdate"], name, value.clone());
        }
    }
}

fn template(t: &mut Value) {
    if let Some(meta) = t["metadata"].as_object_mut() {
        meta.entry("creationTimestamp").or_insert(Value::Null);
    } else {
        t["metadata"] = json!({"creationTimestamp": null});
    }
    pod_spec(&mut t["spec"]);
}
