//! What the cases need to be there, made over the API alone: nodes and pods with a status, budgets, and the end of what terminates (there
//! is no kubelet and no controller).

use http::{Method, Request};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::JoinHandle;

#[derive(Clone)]
pub struct Admin {
    client: kube::Client,
}

impl Admin {
    pub fn new(client: kube::Client) -> Self {
        Self { client }
    }

    /// The answer, or its status code.
    pub async fn ask(&self, method: Method, path: &str, content: &str, body: &Value) -> Result<Value, u16> {
        let bytes = if body.is_null() { vec![] } else { body.to_string().into_bytes() };
        let request =
            Request::builder().method(method).uri(path).header("content-type", content).body(bytes).unwrap();
        match self.client.request::<Value>(request).await {
            Ok(v) => Ok(v),
            Err(kube::Error::Api(s)) => Err(s.code),
            Err(other) => panic!("{path}: {other}"),
        }
    }

    pub async fn get(&self, path: &str) -> Result<Value, u16> {
        self.ask(Method::GET, path, "application/json", &Value::Null).await
    }

    pub async fn merge(&self, path: &str, patch: Value) -> Value {
        self.ask(Method::PATCH, path, "application/merge-patch+json", &patch)
            .await
            .unwrap_or_else(|c| panic!("PATCH {path}: {c}"))
    }

    /// There afterwards exactly as given.
    pub async fn put(&self, collection: &str, object: Value) -> Value {
        let name = object["metadata"]["name"].as_str().unwrap();
        self.remove(&format!("{collection}/{name}")).await;
        let made = self.ask(Method::POST, collection, "application/json", &object).await;
        made.unwrap_or_else(|code| panic!("POST {collection}/{name}: {code}"))
    }

    pub async fn remove(&self, path: &str) {
        let now = json!({"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0});
        match self.ask(Method::DELETE, path, "application/json", &now).await {
            Ok(_) | Err(404) => {}
            Err(code) => panic!("DELETE {path}: {code}"),
        }
    }

    pub async fn namespace(&self, name: &str) {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        match self.ask(Method::POST, "/api/v1/namespaces", "application/json", &object).await {
            Ok(_) | Err(409) => {}
            Err(code) => panic!("namespace {name}: {code}"),
        }
    }

    /// A node whose kubelet says Ready.
    pub async fn node(&self, name: &str) {
        let annotations =
            json!({"kubeadm.alpha.kubernetes.io/cri-socket": "unix:///run/containerd/containerd.sock"});
        let object = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "annotations": annotations}});
        self.put("/api/v1/nodes", object).await;
        let now = "2026-01-01T00:00:00Z";
        let ready = json!({"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready",
            "lastHeartbeatTime": now, "lastTransitionTime": now});
        let status = json!({"conditions": [ready], "addresses": [{"type": "InternalIP", "address": "192.0.2.7"}], "nodeInfo": info()});
        self.merge(&format!("/api/v1/nodes/{name}/status"), json!({"status": status})).await;
    }

    /// A pod that runs there; `extra` is merged into its metadata and spec.
    pub async fn pod(&self, namespace: &str, name: &str, node: &str, extra: Value) {
        let mut object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"nodeName": node, "containers": [{"name": "c", "image": "registry.k8s.io/pause:3.10"}]}});
        for part in ["metadata", "spec"] {
            for (key, value) in extra[part].as_object().into_iter().flatten() {
                object[part][key] = value.clone();
            }
        }
        let collection = format!("/api/v1/namespaces/{namespace}/pods");
        self.put(&collection, object).await;
        let ready =
            json!([{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
        self.merge(
            &format!("{collection}/{name}/status"),
            json!({"status": {"phase": "Running", "conditions": ready}}),
        )
        .await;
    }

    /// A budget on one label that allows so many disruptions now.
    pub async fn budget(&self, namespace: &str, name: &str, app: &str, least: u64, allowed: u64) {
        let collection = format!("/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets");
        let object = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name},
            "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": app}}}});
        let made = self.put(&collection, object).await;
        self.allow(namespace, name, allowed, &made["metadata"]["generation"]).await;
    }

    /// What the disruption controller would count.
    pub async fn allow(&self, namespace: &str, name: &str, allowed: u64, generation: &Value) {
        let path = format!("/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/{name}/status");
        let status = json!({"observedGeneration": generation, "disruptionsAllowed": allowed, "currentHealthy": 1,
            "desiredHealthy": 1 - allowed.min(1), "expectedPods": 1});
        self.merge(&path, json!({"status": status})).await;
    }

    /// Ends what terminates on a node, as its kubelet would. Until it is aborted.
    pub fn kubelet(&self, node: &str) -> JoinHandle<()> {
        let (admin, node) = (self.clone(), node.to_string());
        tokio::spawn(async move {
            loop {
                let list =
                    admin.get(&format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}")).await.unwrap();
                let going = list["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|p| !p["metadata"]["deletionTimestamp"].is_null());
                for meta in going.map(|p| &p["metadata"]) {
                    let (namespace, name) =
                        (meta["namespace"].as_str().unwrap(), meta["name"].as_str().unwrap());
                    admin.remove(&format!("/api/v1/namespaces/{namespace}/pods/{name}")).await;
                }
                // A kubelet looks again and again.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        })
    }
}

fn info() -> Value {
    json!({"machineID": "m", "systemUUID": "m", "bootID": "b", "kernelVersion": "5.15", "osImage": "Ubuntu", "architecture": "amd64",
        "containerRuntimeVersion": "containerd://1.7", "kubeletVersion": "v1.32.13", "kubeProxyVersion": "v1.32.13", "operatingSystem": "linux"})
}

/// The owner that a controller's pods name.
pub fn owned(kind: &str, name: &str) -> Value {
    json!({"metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": true,
        "uid": "11111111-2222-4333-8444-555555555555"}]}})
}
