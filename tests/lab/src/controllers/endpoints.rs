//! EndpointSlices of services with a selector: the pods of the namespace that it finds, each with whether it is ready.

use crate::api::budgets;
use crate::objects::{Key, names};
use crate::world::{State, cast};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const GROUP: &str = "discovery.k8s.io";
const SLICES: &str = "endpointslices";

pub fn keep(s: &mut State, now: Timestamp) {
    let moved: BTreeSet<&str> = s.api.index().changed_pods().map(|(k, _)| k.namespace.as_str()).collect();
    let due = |(k, v): &(&Key, &Value)| {
        v["spec"]["selector"].is_object()
            && (moved.contains(k.namespace.as_str()) || s.api.index().is_changed(v))
    };
    let due: Vec<(Key, Value)> =
        s.api.of("", "services").filter(due).map(|(k, v)| (k.clone(), v.clone())).collect();
    for (key, service) in due {
        let endpoints: Vec<Value> = selected(s, &key.namespace, &service).map(endpoint).collect();
        let name = format!("{}-{}", key.name, names::suffix(&key.name, 5));
        let place = Key::new(GROUP, SLICES, &key.namespace, &name);
        let slice = || {
            let labels = json!({"kubernetes.io/service-name": key.name});
            let mut v =
                cast::object("discovery.k8s.io/v1", "EndpointSlice", &key.namespace, &name, labels, now);
            let meta = &service["metadata"];
            v["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "Service", "name": meta["name"], "uid": meta["uid"],
                "controller": true, "blockOwnerDeletion": true}]);
            (v["addressType"], v["ports"]) = (json!("IPv4"), ports(&service));
            v
        };
        let mut v = s.api.get(&place).cloned().unwrap_or_else(slice);
        v["endpoints"] = json!(endpoints);
        s.api.put(place, v);
    }
}

/// Pods of a namespace that a service's selector finds.
pub fn selected<'a>(s: &'a State, namespace: &'a str, service: &'a Value) -> impl Iterator<Item = &'a Value> {
    let labels = service["spec"]["selector"].as_object();
    let mine = move |v: &&Value| {
        labels.is_some_and(|wanted| wanted.iter().all(|(key, value)| v["metadata"]["labels"][key] == *value))
    };
    s.api.pods_in(namespace).map(|(_, v)| v).filter(mine)
}

fn endpoint(pod: &Value) -> Value {
    let ready = budgets::ready(pod) && pod["metadata"]["deletionTimestamp"].is_null();
    json!({"addresses": [pod["status"]["podIP"]], "nodeName": pod["spec"]["nodeName"],
        "conditions": {"ready": ready, "serving": ready, "terminating": !pod["metadata"]["deletionTimestamp"].is_null()},
        "targetRef": {"kind": "Pod", "namespace": pod["metadata"]["namespace"], "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}})
}

fn ports(service: &Value) -> Value {
    let all = service["spec"]["ports"].as_array().into_iter().flatten();
    let one = |p: &Value| json!({"name": p["name"].as_str().unwrap_or_default(), "port": p["port"], "protocol": p["protocol"]});
    all.map(one).collect()
}
