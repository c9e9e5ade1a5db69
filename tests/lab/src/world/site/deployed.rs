//! Workloads on the control-plane nodes, as they are after their first rollout.

use super::super::pods;
use super::super::shape::Shape;
use super::objects::object;
use crate::objects::{Objects, defaults, kinds};
use crate::world::cast;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A Deployment that has rolled out.
pub struct Deployed<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    /// Key of the label by which its pods are found; the value is its name.
    pub label: &'a str,
    pub image: &'a str,
    pub count: usize,
    pub args: &'a [&'a str],
}

impl<'a> Deployed<'a> {
    pub fn new(namespace: &'a str, name: &'a str) -> Self {
        Self { namespace, name, label: "app", image: "", count: 1, args: &[] }
    }
}

pub fn namespace(all: &mut Objects, name: &str, now: Timestamp) {
    let mut v = cast::object("v1", "Namespace", "", name, json!({}), now);
    v["status"] = json!({"phase": "Active"});
    complete("", "namespaces", &mut v);
    object(all, "", "namespaces", v);
}

/// With the defaults that the API server would have filled in.
fn complete(group: &str, resource: &str, v: &mut Value) {
    if let Some(kind) = kinds::find(group, "v1", resource) {
        defaults::fill_in(kind, v);
    }
}

fn template(label: &str, name: &str, image: &str, args: &[&str]) -> Value {
    let mut container = json!({"name": name, "image": image});
    if !args.is_empty() {
        container["args"] = json!(args);
    }
    json!({"metadata": {"labels": {label: name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 5, "tolerations": [{"operator": "Exists"}],
            "nodeSelector": {"node-role.kubernetes.io/control-plane": ""}}})
}

pub fn deployment(all: &mut Objects, shape: &Shape, of: &Deployed<'_>, now: Timestamp) {
    let Deployed { namespace, name, label, image, count, args } = *of;
    let mut v = cast::object("apps/v1", "Deployment", namespace, name, json!({ label: name }), now);
    v["metadata"]["generation"] = json!(1);
    v["spec"] = json!({"replicas": count, "selector": {"matchLabels": {label: name}}, "template": template(label, name, image, args)});
    complete("apps", "deployments", &mut v);
    v["status"] = json!({"observedGeneration": 1, "replicas": count, "updatedReplicas": count, "readyReplicas": count,
        "availableReplicas": count});
    let mut set = pods::replica_set(&v, now);
    set["status"] = json!({"replicas": count, "fullyLabeledReplicas": count, "readyReplicas": count, "availableReplicas": count,
        "observedGeneration": 1});
    let set_name = set["metadata"]["name"].as_str().unwrap_or_default().to_string();
    for i in 0..count {
        let node = &shape.control_planes[i % shape.control_planes.len()];
        object(
            all,
            "",
            "pods",
            pods::pod(&set, "ReplicaSet", &format!("{set_name}-{i:05}"), node, shape, now),
        );
    }
    object(all, "apps", "deployments", v);
    object(all, "apps", "replicasets", set);
}

/// One pod on each node. The label is `k8s-app`, as the network's and the proxy's are.
pub fn daemon_set(
    all: &mut Objects,
    shape: &Shape,
    (namespace, name): (&str, &str),
    image: &str,
    now: Timestamp,
) {
    let labels = json!({"k8s-app": name});
    let mut set = cast::object("apps/v1", "DaemonSet", namespace, name, labels.clone(), now);
    set["metadata"]["generation"] = json!(1);
    set["spec"] = json!({"selector": {"matchLabels": labels}, "updateStrategy": {"type": "RollingUpdate"},
        "template": {"metadata": {"labels": labels}, "spec": {"hostNetwork": true, "priorityClassName": "system-node-critical",
            "tolerations": [{"operator": "Exists"}], "containers": [{"name": name, "image": image}]}}});
    complete("apps", "daemonsets", &mut set);
    let n = shape.nodes().count();
    set["status"] = json!({"desiredNumberScheduled": n, "currentNumberScheduled": n, "numberReady": n, "numberAvailable": n,
        "updatedNumberScheduled": n, "numberMisscheduled": 0, "observedGeneration": 1});
    for node in shape.nodes() {
        object(all, "", "pods", pods::daemon_pod(&set, &format!("{name}-{node}"), node, shape, now));
    }
    object(all, "apps", "daemonsets", set);
}
