//! What every namespace gets, and how one ends.

use crate::api::evict;
use crate::objects::Key;
use crate::objects::fields::{self, Writer};
use crate::world::{State, cast};
use serde_json::{Value, json};

const ABOUT: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

pub fn keep(s: &mut State, now: jiff::Timestamp) {
    let all: Vec<(String, bool)> = s
        .api
        .of("", "namespaces")
        .map(|(k, v)| (k.name.clone(), v["status"]["phase"] == "Terminating"))
        .collect();
    for (name, ending) in all {
        if ending { empty(s, &name, now) } else { furnish(s, &name, now) }
    }
}

/// The default service account and the cluster's CA.
fn furnish(s: &mut State, namespace: &str, now: jiff::Timestamp) {
    type Make = fn(&str, jiff::Timestamp) -> Value;
    let things: [(&str, &str, Make); 2] =
        [("serviceaccounts", "default", account), ("configmaps", "kube-root-ca.crt", ca)];
    for (resource, name, make) in things {
        let key = Key::new("", resource, namespace, name);
        if s.api.get(&key).is_none() {
            let mut v = make(namespace, now);
            fields::updated(&Value::Null, &mut v, &Writer::update("kube-controller-manager", None), now);
            s.api.put(key, v);
        }
    }
}

fn account(namespace: &str, now: jiff::Timestamp) -> Value {
    cast::object("v1", "ServiceAccount", namespace, "default", json!({}), now)
}

fn ca(namespace: &str, now: jiff::Timestamp) -> Value {
    let mut v = cast::object("v1", "ConfigMap", namespace, "kube-root-ca.crt", json!({}), now);
    v["metadata"]["annotations"] = json!({"kubernetes.io/description": ABOUT});
    v["data"] = json!({"ca.crt": "lab ca.crt\n"});
    v
}

/// Everything in it goes; then it goes itself.
fn empty(s: &mut State, namespace: &str, now: jiff::Timestamp) {
    let inside: Vec<Key> =
        s.api.everything().filter(|(k, _)| k.namespace == namespace).map(|(k, _)| k.clone()).collect();
    if inside.is_empty() {
        s.api.delete(&Key::new("", "namespaces", "", namespace));
    }
    for key in inside {
        if key.resource == "pods" {
            evict::terminate(s, &key, None, now);
        } else {
            s.api.delete(&key);
        }
    }
}
