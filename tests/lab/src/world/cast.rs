//! The API objects at the beginning: nodes, kubeadm's ConfigMaps, addons, a workload with its budget, a load balancer.

use super::kubeadm_config;
use super::objects::{Key, Objects};
use super::shape::Shape;
use jiff::Timestamp;
use serde_json::{Value, json};

pub fn objects(shape: &Shape, now: Timestamp) -> Objects {
    let mut all = Objects::starting_at(2_000);
    for namespace in ["default", "kube-system", "runai", "gpu-operator", "ingress-nginx"] {
        let labels = json!({"kubernetes.io/metadata.name": namespace});
        let mut v = object("v1", "Namespace", "", namespace, labels, now);
        v["status"] = json!({"phase": "Active"});
        add(&mut all, "", "namespaces", v);
    }
    for name in shape.nodes() {
        let v = node(shape, name, now);
        add(&mut all, "", "nodes", v);
    }
    config_maps(&mut all, shape, now);
    addons(&mut all, shape, now);
    workload(&mut all, shape, now);
    all
}

fn add(all: &mut Objects, group: &str, resource: &str, v: Value) {
    let text = |n: &str| v["metadata"][n].as_str().unwrap_or_default().to_string();
    let key = Key::new(group, resource, &text("namespace"), &text("name"));
    all.put(key, v);
}

/// Metadata as every object has it; the uid is derived so that Worlds are alike.
pub fn object(api: &str, kind: &str, namespace: &str, name: &str, labels: Value, now: Timestamp) -> Value {
    let h = podlift_model::Digest::of(format!("{kind}/{namespace}/{name}/{now}"));
    let h = h.as_str();
    let uid = format!("{}-{}-4{}-8{}-{}", &h[..8], &h[8..12], &h[13..16], &h[17..20], &h[20..32]);
    let mut metadata = json!({"name": name, "uid": uid, "creationTimestamp": seconds(now), "labels": labels});
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    if metadata["labels"].as_object().is_some_and(serde_json::Map::is_empty) {
        metadata.as_object_mut().map(|m| m.remove("labels"));
    }
    json!({"apiVersion": api, "kind": kind, "metadata": metadata})
}

/// Notes who wrote last, and when.
pub fn managed(v: &mut Value, manager: &str, now: Timestamp) {
    let mut all = v["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    all.retain(|f| f["manager"] != manager);
    all.push(json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "time": seconds(now),
        "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {}}}));
    v["metadata"]["managedFields"] = json!(all);
}

/// As Kubernetes writes times.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn node(shape: &Shape, name: &str, now: Timestamp) -> Value {
    let control_plane = shape.control_planes.iter().any(|n| n == name);
    let mut labels = json!({"beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"});
    if control_plane {
        labels["node-role.kubernetes.io/control-plane"] = json!("");
    } else {
        labels["nvidia.com/gpu.present"] = json!("true");
    }
    let mut v = object("v1", "Node", "", name, labels, now);
    v["metadata"]["annotations"] = json!({
        "kubeadm.alpha.kubernetes.io/cri-socket": "unix:///run/containerd/containerd.sock",
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true"});
    v["spec"] = json!({"podCIDR": "10.88.4.0/24", "podCIDRs": ["10.88.4.0/24"]});
    if control_plane {
        v["spec"]["taints"] =
            json!([{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]);
    }
    if shape.cordoned.iter().any(|n| n == name) {
        v["spec"]["unschedulable"] = json!(true);
    }
    let gpus = if control_plane { "0" } else { "8" };
    let resources = json!({"cpu": "224", "memory": "2113482732Ki", "pods": "110", "nvidia.com/gpu": gpus});
    v["status"] = json!({
        "addresses": [{"type": "InternalIP", "address": shape.address(name)}, {"type": "Hostname", "address": name}],
        "allocatable": resources, "capacity": resources,
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
            "message": "kubelet is posting ready status", "lastHeartbeatTime": seconds(now), "lastTransitionTime": seconds(now)}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {"architecture": "amd64", "bootID": format!("boot-{name}-0"),
            "containerRuntimeVersion": "containerd://1.7.27", "kernelVersion": "5.15.0-1074-nvidia",
            "kubeProxyVersion": shape.from.to_string(), "kubeletVersion": shape.from.to_string(),
            "machineID": podlift_model::Digest::of(name).as_str()[..32], "operatingSystem": "linux",
            "osImage": "Ubuntu 22.04.5 LTS", "systemUUID": podlift_model::Digest::of(name).as_str()[..32]}});
    v
}

fn config_maps(all: &mut Objects, shape: &Shape, now: Timestamp) {
    let endpoints = if shape.empty_endpoints { vec![] } else { shape.etcd_endpoints() };
    let kubelet = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nstaticPodPath: /etc/kubernetes/manifests\n";
    let maps = [
        ("kubeadm-config", json!({"ClusterConfiguration": kubeadm_config::text(shape, &endpoints)})),
        ("kubelet-config", json!({"kubelet": kubelet})),
        (
            "kube-proxy",
            json!({"config.conf": "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"}),
        ),
        (
            "coredns",
            json!({"Corefile": ".:53 {\n    errors\n    health\n    ready\n    kubernetes cluster.local\n}\n"}),
        ),
    ];
    for (name, data) in maps {
        let mut v = object("v1", "ConfigMap", "kube-system", name, json!({}), now);
        v["data"] = data;
        managed(&mut v, "kubeadm", now);
        add(all, "", "configmaps", v);
    }
}

fn addons(all: &mut Objects, shape: &Shape, now: Timestamp) {
    let proxy = format!("registry.k8s.io/kube-proxy:{}", shape.from);
    let sets = [
        ("kube-system", "kube-proxy", "k8s-app", proxy.as_str(), true),
        (
            "gpu-operator",
            "nvidia-device-plugin-daemonset",
            "app",
            "nvcr.io/nvidia/k8s-device-plugin:v0.17.1",
            false,
        ),
    ];
    for (namespace, name, label, image, everywhere) in sets {
        let nodes: Vec<&String> = shape.nodes().filter(|n| everywhere || shape.workers.contains(n)).collect();
        let labels = json!({ label: name });
        let mut set = object("apps/v1", "DaemonSet", namespace, name, json!({}), now);
        set["spec"] = json!({"selector": {"matchLabels": labels}, "updateStrategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": name, "image": image}]}}});
        let n = nodes.len();
        set["status"] = json!({"desiredNumberScheduled": n, "currentNumberScheduled": n, "numberReady": n,
            "numberAvailable": n, "updatedNumberScheduled": n, "numberMisscheduled": 0});
        for node in nodes {
            add(all, "", "pods", pod(&set, "DaemonSet", &format!("{name}-{node}"), node, shape, now));
        }
        add(all, "apps", "daemonsets", set);
    }
}

/// A running pod of a controller's template.
pub fn pod(owner: &Value, kind: &str, name: &str, node: &str, shape: &Shape, now: Timestamp) -> Value {
    let m = &owner["metadata"];
    let template = &owner["spec"]["template"];
    let namespace = m["namespace"].as_str().unwrap_or_default();
    let mut v = object("v1", "Pod", namespace, name, template["metadata"]["labels"].clone(), now);
    v["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": kind, "name": m["name"],
        "uid": m["uid"], "controller": true, "blockOwnerDeletion": true}]);
    v["spec"] = template["spec"].clone();
    v["spec"]["nodeName"] = json!(node);
    v["spec"]["restartPolicy"] = json!("Always");
    if v["spec"]["terminationGracePeriodSeconds"].is_null() {
        v["spec"]["terminationGracePeriodSeconds"] = json!(30);
    }
    v["status"] = running(&v["spec"], &shape.address(node), now);
    v
}

pub fn running(spec: &Value, ip: &str, now: Timestamp) -> Value {
    let at = seconds(now);
    let conditions: Vec<Value> = ["Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .iter()
        .map(|t| json!({"type": t, "status": "True", "lastProbeTime": null, "lastTransitionTime": at}))
        .collect();
    let containers = spec["containers"].as_array().cloned().unwrap_or_default();
    let statuses: Vec<Value> = containers
        .iter()
        .map(|c| {
            json!({"name": c["name"], "image": c["image"], "ready": true, "started": true, "restartCount": 0,
                "state": {"running": {"startedAt": at}}, "lastState": {}})
        })
        .collect();
    json!({"phase": "Running", "hostIP": ip, "startTime": at, "conditions": conditions, "containerStatuses": statuses})
}

fn workload(all: &mut Objects, shape: &Shape, now: Timestamp) {
    replicas(
        all,
        shape,
        now,
        "kube-system",
        "coredns",
        "registry.k8s.io/coredns/coredns:v1.11.3",
        2,
        &shape.control_planes,
    );
    if shape.workers.is_empty() {
        return;
    }
    let (count, wanted) = shape.inference;
    replicas(
        all,
        shape,
        now,
        "runai",
        "inference",
        "nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8",
        count,
        &shape.workers,
    );
    let mut budget = object("policy/v1", "PodDisruptionBudget", "runai", "inference", json!({}), now);
    budget["metadata"]["generation"] = json!(1);
    budget["spec"] = json!({"minAvailable": wanted, "selector": {"matchLabels": {"app": "inference"}}});
    add(all, "policy", "poddisruptionbudgets", budget);
    let mut service = object("v1", "Service", "ingress-nginx", "ingress-nginx-controller", json!({}), now);
    service["spec"] = json!({"type": "LoadBalancer", "clusterIP": "10.96.12.7", "clusterIPs": ["10.96.12.7"],
        "ports": [{"name": "https", "port": 443, "targetPort": "https", "nodePort": 31443, "protocol": "TCP"}],
        "selector": {"app": "ingress-nginx"}});
    service["status"] = json!({"loadBalancer": {"ingress": [{"ip": format!("{}.250", shape.network)}]}});
    add(all, "", "services", service);
}

#[allow(clippy::too_many_arguments)] // a row of a table
fn replicas(
    all: &mut Objects,
    shape: &Shape,
    now: Timestamp,
    namespace: &str,
    name: &str,
    image: &str,
    count: u32,
    on: &[String],
) {
    let labels = match name {
        "coredns" => json!({"k8s-app": "kube-dns"}),
        _ => json!({"app": name}),
    };
    let spec = json!({"replicas": count, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": name, "image": image}],
            "terminationGracePeriodSeconds": 5,
            "tolerations": if name == "coredns" { json!([{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]) } else { json!([]) }}}});
    let mut deployment = object("apps/v1", "Deployment", namespace, name, json!({}), now);
    deployment["spec"] = spec.clone();
    deployment["status"] = json!({"replicas": count, "readyReplicas": count, "availableReplicas": count});
    let set_name = format!("{name}-76974f997d");
    let mut set = object("apps/v1", "ReplicaSet", namespace, &set_name, json!({}), now);
    set["spec"] = spec;
    set["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": name,
        "uid": deployment["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true}]);
    for i in 0..count as usize {
        let node = &on[i % on.len()];
        add(all, "", "pods", pod(&set, "ReplicaSet", &format!("{set_name}-{i:05}"), node, shape, now));
    }
    add(all, "apps", "deployments", deployment);
    add(all, "apps", "replicasets", set);
}
