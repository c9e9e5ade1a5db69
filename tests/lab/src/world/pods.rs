//! Pods as controllers make them of a template and kubelets start them. Data only: who makes and starts them is elsewhere.

use super::cast::object;
use super::shape::Shape;
use super::state::{Container, Sandbox};
use super::store::Store;
use crate::objects::{admission, defaults, names, seconds};
use jiff::Timestamp;
use podlift_model::Digest;
use serde_json::{Value, json};

/// The ReplicaSet of a Deployment's template as it is now, named after the template's hash.
pub fn replica_set(deployment: &Value, now: Timestamp) -> Value {
    let m = &deployment["metadata"];
    let spec = &deployment["spec"];
    let hash = template_hash(deployment);
    let (namespace, owner) =
        (m["namespace"].as_str().unwrap_or_default(), m["name"].as_str().unwrap_or_default());
    let mut labels = spec["template"]["metadata"]["labels"].clone();
    labels["pod-template-hash"] = json!(hash);
    let mut set = object("apps/v1", "ReplicaSet", namespace, &format!("{owner}-{hash}"), labels.clone(), now);
    set["metadata"]["generation"] = json!(1);
    set["metadata"]["ownerReferences"] = json!([reference(deployment, "Deployment")]);
    let mut selector = spec["selector"].clone();
    selector["matchLabels"]["pod-template-hash"] = json!(hash);
    set["spec"] = json!({"replicas": spec["replicas"], "selector": selector, "template": spec["template"]});
    set["spec"]["template"]["metadata"]["labels"] = labels;
    set["status"] = json!({"replicas": 0});
    set
}

pub fn template_hash(owner: &Value) -> String {
    names::suffix(&owner["spec"]["template"].to_string(), 10)
}

fn reference(owner: &Value, kind: &str) -> Value {
    let m = &owner["metadata"];
    json!({"apiVersion": owner["apiVersion"], "kind": kind, "name": m["name"], "uid": m["uid"], "controller": true, "blockOwnerDeletion": true})
}

/// A pod of a controller's template: running where it has a node, else pending.
pub fn pod(owner: &Value, kind: &str, name: &str, node: &str, shape: &Shape, now: Timestamp) -> Value {
    let mut v = made(owner, kind, name, now);
    place(&mut v, node, shape, now);
    v
}

/// A DaemonSet's: bound to its node, and staying when the node is lost or cordoned.
pub fn daemon_pod(set: &Value, name: &str, node: &str, shape: &Shape, now: Timestamp) -> Value {
    let mut v = made(set, "DaemonSet", name, now);
    v["metadata"]["labels"]["controller-revision-hash"] = json!(template_hash(set));
    v["metadata"]["labels"]["pod-template-generation"] =
        json!(set["metadata"]["generation"].as_i64().unwrap_or(1).to_string());
    let spec = &mut v["spec"];
    let term = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]});
    spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        json!({"nodeSelectorTerms": [term]});
    let mut all = set["spec"]["template"]["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    let words = [
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
        ("network-unavailable", "NoSchedule"),
    ];
    let words = words.iter().filter(|(w, _)| *w != "network-unavailable" || spec["hostNetwork"] == true);
    all.extend(words.map(|(w, effect)| json!({"key": format!("node.kubernetes.io/{w}"), "operator": "Exists", "effect": effect})));
    spec["tolerations"] = json!(all);
    place(&mut v, node, shape, now);
    v
}

fn made(owner: &Value, kind: &str, name: &str, now: Timestamp) -> Value {
    let m = &owner["metadata"];
    let template = &owner["spec"]["template"];
    let namespace = m["namespace"].as_str().unwrap_or_default();
    let mut v = object("v1", "Pod", namespace, name, template["metadata"]["labels"].clone(), now);
    v["metadata"]["generateName"] = json!(format!("{}-", m["name"].as_str().unwrap_or_default()));
    v["metadata"]["ownerReferences"] = json!([reference(owner, kind)]);
    let annotations = &template["metadata"]["annotations"];
    if annotations.is_object() {
        v["metadata"]["annotations"] = annotations.clone();
    }
    v["spec"] = template["spec"].clone();
    defaults::pod_spec(&mut v["spec"]);
    v["spec"]["enableServiceLinks"] = json!(true);
    admission::pod(&mut v);
    v
}

fn place(v: &mut Value, node: &str, shape: &Shape, now: Timestamp) {
    if node.is_empty() {
        v["status"] = json!({"phase": "Pending", "qosClass": defaults::quality(&v["spec"])});
        return;
    }
    v["spec"]["nodeName"] = json!(node);
    start(v, &shape.address(node), now);
}

/// All containers run from now on. The pod's own address is made from its name and the node's last octet.
pub fn start(v: &mut Value, node_ip: &str, now: Timestamp) {
    let mut status = running(&v["spec"], node_ip, now);
    if v["spec"]["hostNetwork"] != true {
        let octet = node_ip.rsplit('.').next().unwrap_or("0");
        let name = Digest::of(v["metadata"]["uid"].to_string());
        let last = u8::from_str_radix(&name.as_str()[..2], 16).unwrap_or(0).clamp(2, 254);
        set_ip(&mut status, &format!("10.88.{octet}.{last}"));
    }
    v["status"] = status;
}

fn set_ip(status: &mut Value, ip: &str) {
    status["podIP"] = json!(ip);
    status["podIPs"] = json!([{"ip": ip}]);
}

/// The status of a pod whose containers all run since `now`.
pub fn running(spec: &Value, node_ip: &str, now: Timestamp) -> Value {
    let at = seconds(now);
    let conditions: Vec<Value> =
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
            .iter()
            .map(|t| json!({"type": t, "status": "True", "lastProbeTime": null, "lastTransitionTime": at}))
            .collect();
    let containers = spec["containers"].as_array().into_iter().flatten();
    let statuses: Vec<Value> = containers.map(|c| container(c, spec, &at)).collect();
    let mut status = json!({"phase": "Running", "hostIP": node_ip, "hostIPs": [{"ip": node_ip}], "startTime": at, "conditions": conditions,
        "containerStatuses": statuses, "qosClass": defaults::quality(spec)});
    if spec["hostNetwork"] == true {
        set_ip(&mut status, node_ip);
    }
    status
}

fn container(c: &Value, spec: &Value, at: &str) -> Value {
    let id = Digest::of(format!("{}{}{}{at}", spec["nodeName"], spec["volumes"], c["name"]));
    let image = Digest::of(c["image"].to_string());
    let mut v = json!({"name": c["name"], "image": c["image"], "imageID": format!("sha256:{}", image.as_str()), "ready": true, "started": true,
        "restartCount": 0, "containerID": format!("containerd://{}", id.as_str()), "state": {"running": {"startedAt": at}}, "lastState": {}});
    let mounts: Vec<Value> = c["volumeMounts"].as_array().into_iter().flatten().map(mount).collect();
    if !mounts.is_empty() {
        v["volumeMounts"] = json!(mounts);
    }
    v
}

/// The containers of a pod that runs, as the runtime knows them.
pub fn containers(pod: &Value) -> Vec<Container> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_string();
    let (name, uid) = (text(&pod["metadata"]["name"]), text(&pod["metadata"]["uid"]));
    let namespace = text(&pod["metadata"]["namespace"]);
    let created = |v: &Value| v.as_str().and_then(|t| t.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    let started = created(&pod["status"]["startTime"]);
    let sandbox = Sandbox { id: Digest::of(&uid).as_str().into(), created: started, file: String::new() };
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let running = statuses.filter(|c| !c["state"]["running"].is_null());
    let of = |c: &Value| Container {
        id: text(&c["containerID"]).trim_start_matches("containerd://").into(),
        name: text(&c["name"]),
        pod: name.clone(),
        namespace: namespace.clone(),
        sandbox: sandbox.clone(),
        hash: uid.clone(),
        image: text(&c["image"]),
        args: vec![],
        store: Store::of(&[]),
        attempt: 0,
        created: created(&c["state"]["running"]["startedAt"]),
        finished: None,
        exit: None,
        listening: false,
        opened: None,
        log: vec![],
    };
    running.map(of).collect()
}

/// The status of a container whose image is neither there nor can be pulled.
pub fn without_image(pod: &mut Value, image: &str) {
    let status = &mut pod["status"]["containerStatuses"][0];
    status["ready"] = json!(false);
    status["started"] = json!(false);
    status["state"] = json!({"waiting": {"reason": "ImagePullBackOff", "message": format!("Back-off pulling image \"{image}\"")}});
    for c in pod["status"]["conditions"].as_array_mut().into_iter().flatten() {
        if c["type"] == "Ready" || c["type"] == "ContainersReady" {
            c["status"] = json!("False");
        }
    }
}

/// Whether it waits for an image.
pub fn waits_for_image(pod: &Value) -> bool {
    pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ImagePullBackOff"
}

fn mount(m: &Value) -> Value {
    let mut v = json!({"name": m["name"], "mountPath": m["mountPath"]});
    if m["readOnly"] == true {
        v["readOnly"] = json!(true);
        v["recursiveReadOnly"] = json!("Disabled");
    }
    v
}
