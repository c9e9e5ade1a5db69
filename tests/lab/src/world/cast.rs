//! The API objects at the beginning: nodes, kubeadm's ConfigMaps, addons, a workload with its budget, a load balancer.

use super::kubeadm_config;
use super::pods::{daemon_pod, pod, replica_set};
use super::shape::Shape;
use crate::objects::{Key, Objects, seconds};
use jiff::Timestamp;
use serde_json::{Value, json};

pub fn objects(shape: &Shape, now: Timestamp) -> Objects {
    let mut all = Objects::starting_at(2_000);
    let names = [
        "default",
        "kube-system",
        "kube-public",
        "kube-node-lease",
        "runai",
        "gpu-operator",
        "ingress-nginx",
        // Of rbac.yaml.
        "podlift",
    ];
    for namespace in names {
        let mut v = object("v1", "Namespace", "", namespace, json!({}), now);
        v["status"] = json!({"phase": "Active"});
        complete("", "namespaces", &mut v);
        add(&mut all, "", "namespaces", v);
    }
    for name in shape.nodes() {
        let v = node(shape, name, now);
        add(&mut all, "", "nodes", v);
    }
    config_maps(&mut all, shape, now);
    addons(&mut all, shape, now);
    workload(&mut all, shape, now);
    super::site::objects(&mut all, shape, now);
    let mut service = object(
        "v1",
        "Service",
        "default",
        "kubernetes",
        json!({"component": "apiserver", "provider": "kubernetes"}),
        now,
    );
    service["spec"] = json!({"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
        "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]});
    service["status"] = json!({"loadBalancer": {}});
    complete("", "services", &mut service);
    add(&mut all, "", "services", service);
    all
}

fn add(all: &mut Objects, group: &str, resource: &str, v: Value) {
    let text = |n: &str| v["metadata"][n].as_str().unwrap_or_default().to_string();
    let key = Key::new(group, resource, &text("namespace"), &text("name"));
    all.put(key, v);
}

/// With the defaults that the API server would have filled in.
fn complete(group: &str, resource: &str, v: &mut Value) {
    if let Some(kind) = crate::objects::kinds::find(group, "v1", resource) {
        crate::objects::defaults::fill_in(kind, v);
    }
}

/// Metadata as every object has it; the uid is derived so that Worlds are alike.
pub fn object(api: &str, kind: &str, namespace: &str, name: &str, labels: Value, now: Timestamp) -> Value {
    let uid = crate::objects::names::uid(&format!("{kind}/{namespace}/{name}/{now}"));
    let mut metadata = json!({"name": name, "uid": uid, "creationTimestamp": seconds(now), "labels": labels});
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    if metadata["labels"].as_object().is_some_and(serde_json::Map::is_empty) {
        metadata.as_object_mut().map(|m| m.remove("labels"));
    }
    json!({"apiVersion": api, "kind": kind, "metadata": metadata})
}

/// Notes who wrote a ConfigMap's data last, and when.
pub fn managed(v: &mut Value, manager: &str, now: Timestamp) {
    use crate::objects::fields::{self, Writer};
    let mut entries = fields::read(v);
    let mut mine = fields::leaves(&json!({"data": v["data"]}), true);
    entries.retain_mut(|(e, paths)| {
        paths.retain(|p| !mine.contains_key(p));
        e["manager"] != manager
    });
    let paths = std::mem::take(&mut mine).into_keys().collect();
    entries.push((fields::entry(v, &Writer::update(manager, None), now), paths));
    fields::write(v, entries);
}

fn node(shape: &Shape, name: &str, now: Timestamp) -> Value {
    let control_plane = shape.control_planes.iter().any(|n| n == name);
    let mut labels = json!({"beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"});
    if control_plane {
        labels["node-role.kubernetes.io/control-plane"] = json!("");
    } else {
        labels["nvidia.com/gpu.present"] = json!("true");
        labels["nvidia.com/gpu.product"] = json!("NVIDIA-H100-80GB-HBM3");
        labels["nvidia.com/mig.config"] = json!("all-disabled");
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
            "containerRuntimeVersion": format!("containerd://{}", super::site::CONTAINERD), "kernelVersion": "5.15.0-1074-nvidia",
            "kubeProxyVersion": shape.from.to_string(), "kubeletVersion": shape.from.to_string(),
            "machineID": shape.machine_id(name), "operatingSystem": "linux",
            "osImage": "Ubuntu 22.04.5 LTS", "systemUUID": podlift_model::Digest::of(name).as_str()[..32]}});
    v
}

fn config_maps(all: &mut Objects, shape: &Shape, now: Timestamp) {
    let endpoints = if shape.empty_endpoints { vec![] } else { shape.etcd_endpoints() };
    // Where nodes are processes, their image file system is that of this machine, whose fullness is no problem of the cluster.
    let kubelet = "apiVersion: kubelet.config.k8s.io/v1beta1\nimageGCHighThresholdPercent: 99\nimageGCLowThresholdPercent: 98\n\
        kind: KubeletConfiguration\nstaticPodPath: /etc/kubernetes/manifests\n";
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
        let template = &mut set["spec"]["template"]["spec"];
        if everywhere {
            template["tolerations"] = json!([{"operator": "Exists"}]);
            template["hostNetwork"] = json!(true);
            template["priorityClassName"] = json!("system-node-critical");
        } else {
            template["nodeSelector"] = json!({"nvidia.com/gpu.present": "true"});
        }
        set["metadata"]["generation"] = json!(1);
        complete("apps", "daemonsets", &mut set);
        let n = nodes.len();
        set["status"] = json!({"desiredNumberScheduled": n, "currentNumberScheduled": n, "numberReady": n,
            "numberAvailable": n, "updatedNumberScheduled": n, "numberMisscheduled": 0});
        for node in nodes {
            add(all, "", "pods", daemon_pod(&set, &format!("{name}-{node}"), node, shape, now));
        }
        add(all, "apps", "daemonsets", set);
    }
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
        "ports": [{"name": "https", "port": super::site::INGRESS_PORT, "targetPort": "https", "nodePort": 31443, "protocol": "TCP"}],
        "selector": {"app": "ingress-nginx"}});
    service["status"] = json!({"loadBalancer": {"ingress": [{"ip": shape.ingress_address()}]}});
    complete("", "services", &mut service);
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
    let control_plane = json!({"node-role.kubernetes.io/control-plane": ""});
    let mut spec = json!({"replicas": count, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": name, "image": image}],
            "terminationGracePeriodSeconds": 5}}});
    if name == "coredns" {
        spec["template"]["spec"]["nodeSelector"] = control_plane;
        spec["template"]["spec"]["tolerations"] =
            json!([{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]);
    }
    let mut deployment = object("apps/v1", "Deployment", namespace, name, json!({}), now);
    deployment["metadata"]["generation"] = json!(1);
    deployment["spec"] = spec;
    complete("apps", "deployments", &mut deployment);
    deployment["status"] = json!({"observedGeneration": 1, "replicas": count, "updatedReplicas": count, "readyReplicas": count,
        "availableReplicas": count});
    let mut set = replica_set(&deployment, now);
    set["status"] = json!({"replicas": count, "fullyLabeledReplicas": count, "readyReplicas": count, "availableReplicas": count,
        "observedGeneration": 1});
    let set_name = set["metadata"]["name"].as_str().unwrap_or_default().to_string();
    for i in 0..count as usize {
        let node = &on[i % on.len()];
        add(all, "", "pods", pod(&set, "ReplicaSet", &format!("{set_name}-{i:05}"), node, shape, now));
    }
    add(all, "apps", "deployments", deployment);
    add(all, "apps", "replicasets", set);
}
