//! The recorded cluster as it stood before the first request, and what was done between requests without being recorded
//! (tests/fixtures/README.md).

use super::Replay;
use podlift_lab::World;
use podlift_lab::objects::Key;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const POD: &str = "registry.k8s.io/pause:3.10";

fn body<'a>(recording: &'a [Value], name: &str) -> &'a Value {
    &recording.iter().find(|e| e["name"] == name).unwrap()["response"]["body"]
}

/// An item of a list, whole again.
fn whole(item: &Value, kind: &str) -> Value {
    let mut v = item.clone();
    (v["kind"], v["apiVersion"]) = (json!(kind), json!("v1"));
    v
}

/// Its nodes and its kube-proxy; none of the lab's own workloads.
pub fn cluster(world: &Arc<World>, recording: &[Value]) {
    world.update(|s| {
        let lab = ["runai", "gpu-operator", "ingress-nginx"];
        let ours = |k: &Key| {
            lab.contains(&k.namespace.as_str()) || (k.resource == "pods" && k.name.starts_with("kube-proxy"))
        };
        let gone: Vec<Key> = s.api.everything().map(|(k, _)| k.clone()).filter(ours).collect();
        gone.iter().for_each(|k| drop(s.api.delete(k)));
        lab.iter().for_each(|n| drop(s.api.delete(&Key::new("", "namespaces", "", n))));
        let control_planes = body(recording, "node list by label")["items"].as_array().unwrap();
        for node in
            control_planes.iter().map(|n| whole(n, "Node")).chain([body(recording, "node get").clone()])
        {
            s.api.put(Key::node(node["metadata"]["name"].as_str().unwrap()), node);
        }
        let pods = body(recording, "pods on node")["items"].as_array().unwrap();
        let proxy = whole(pods.iter().find(|p| p["metadata"]["namespace"] == "kube-system").unwrap(), "Pod");
        let set = Key::new("apps", "daemonsets", "kube-system", "kube-proxy");
        s.api.change(&set, |v| {
            v["metadata"]["uid"] = proxy["metadata"]["ownerReferences"][0]["uid"].clone();
            v["spec"]["template"]["spec"]["containers"] = proxy["spec"]["containers"].clone();
        });
        s.api.put(Key::pod("kube-system", proxy["metadata"]["name"].as_str().unwrap()), proxy);
        // The API servers were upgraded already, the kubelets not yet.
        for node in ["runai-01", "runai-02", "runai-03"] {
            for c in s.node_mut(node).containers.iter_mut().filter(|c| c.name == "kube-apiserver") {
                c.image = "registry.k8s.io/kube-apiserver:v1.32.13".into();
            }
        }
    });
}

/// The recorder lost what it sent once: the name of the exchange tells.
pub fn request(name: &str, recorded: &Value) -> Value {
    let mut request = recorded.clone();
    if name == "recreate from raw backup (resourceVersion set)" {
        request["body"]["metadata"]["resourceVersion"] = json!("2997");
    }
    request
}

pub async fn step(replay: &Replay, next: &str) {
    match next {
        "pods on node" => {
            let spec = json!({"terminationGracePeriodSeconds": 1, "tolerations": [{"operator": "Exists"}],
                "containers": [{"name": "c", "image": POD, "imagePullPolicy": "IfNotPresent"}]});
            let labels = json!({"app": "agentds"});
            let set = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agentds"}, "spec": {
                "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}}});
            replay.ours("POST", "/apis/apps/v1/namespaces/podlab/daemonsets", "application/json", set).await;
            let mut scratch = spec;
            scratch.as_object_mut().unwrap().remove("tolerations");
            scratch["nodeName"] = json!("dgx030");
            scratch["volumes"] = json!([{"name": "e", "emptyDir": {}}]);
            scratch["containers"][0]["volumeMounts"] = json!([{"name": "e", "mountPath": "/e"}]);
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "scratch", "labels": {"app": "scratch"}}, "spec": scratch});
            replay.ours("POST", "/api/v1/namespaces/podlab/pods", "application/json", pod).await;
            tokio::time::sleep(Duration::from_secs(12)).await;
        }
        "evict with two pdbs" => {
            let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web2"},
                "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}});
            replay
                .ours(
                    "POST",
                    "/apis/policy/v1/namespaces/podlab/poddisruptionbudgets",
                    "application/json",
                    budget,
                )
                .await;
        }
        // What that distribution's controllers put into each namespace beside kube-root-ca.crt.
        "version" => {
            let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "openshift-service-ca.crt"}});
            replay.ours("POST", "/api/v1/namespaces/podlab/configmaps", "application/json", map).await;
        }
        "watch from resourceVersion" => {
            let path = "/api/v1/namespaces/podlab/configmaps/cfg";
            replay.ours("PATCH", path, "application/merge-patch+json", json!({"data": {"k": "9"}})).await;
            replay.ours("DELETE", path, "application/json", Value::Null).await;
        }
        _ => {}
    }
}
