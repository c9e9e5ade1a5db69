//! crictl's answers for static pods that run with these manifests.

use crate::testing::{exited, said};
use podlift_heal::manifest::Manifest;
use podlift_host::{CommandError, Invocation, Output};
use podlift_model::op::Component;
use serde_json::{Value, json};

pub const CREATED: &str = "1900000000000000000";

/// The manifests of a control-plane node at this version, whose pods run.
pub fn at(version: &str) -> Vec<Manifest> {
    let of = |(component, text): (Component, &str)| {
        Manifest::parse(component, text.replace("v1.31.14", version).as_bytes()).unwrap()
    };
    [
        (Component::KubeApiserver, crate::testing::LIVE_API),
        (Component::KubeControllerManager, crate::testing::LIVE_KCM),
        (Component::KubeScheduler, crate::testing::LIVE_SCHEDULER),
    ]
    .map(of)
    .into()
}

pub fn answer(running: &[Manifest], call: &Invocation) -> Result<Output, CommandError> {
    let word = |n: usize| call.args.get(n).map_or("", String::as_str);
    if call.program != "crictl" {
        return exited(1, "nothing here");
    }
    let items: Vec<Value> = running.iter().map(pod).collect();
    match word(0) {
        "pods" => said(&json!({ "items": items }).to_string()),
        "ps" => {
            let named = running.iter().filter(|m| m.component.name() == word(3));
            let all: Vec<Value> = named.map(container).collect();
            said(&json!({ "containers": all }).to_string())
        }
        "inspect" => match running.iter().find(|m| m.component.name() == word(1)) {
            Some(manifest) => said(&inspected(manifest).to_string()),
            None => exited(1, "no such container"),
        },
        "logs" => said("I1122 started\n"),
        _ => exited(1, "nothing here"),
    }
}

fn pod(manifest: &Manifest) -> Value {
    let name = manifest.component.name();
    json!({"id": format!("pod-{name}"), "metadata": {"name": format!("{name}-runai-01"), "namespace": "kube-system"},
        "state": "SANDBOX_READY", "createdAt": CREATED, "labels": {"component": name},
        "annotations": {"kubernetes.io/config.hash": format!("hash-{name}"), "kubernetes.io/config.source": "file"}})
}

fn container(manifest: &Manifest) -> Value {
    let name = manifest.component.name();
    json!({"id": name, "podSandboxId": format!("pod-{name}"), "metadata": {"name": name, "attempt": 2},
        "state": "CONTAINER_RUNNING", "createdAt": CREATED})
}

fn inspected(manifest: &Manifest) -> Value {
    let words: Vec<&str> = manifest.values().collect();
    json!({"status": {"state": "CONTAINER_RUNNING", "image": {"image": manifest.image}},
        "info": {"runtimeSpec": {"process": {"args": words}}}})
}
