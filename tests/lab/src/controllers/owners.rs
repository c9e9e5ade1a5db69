//! Deployments have a ReplicaSet of their newest template, DaemonSets a pod on each node that takes one, and what lost its owner goes.

use super::taints;
use crate::api::evict;
use crate::objects::{Key, names};
use crate::world::pods as made;
use crate::world::{State, World};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Objects of apps that changed, or of which something that they own did.
pub fn changed(s: &State, resource: &str) -> Vec<(Key, Value)> {
    let all = s.api.of("apps", resource).filter(|(_, v)| s.api.index().is_changed(v));
    all.map(|(k, v)| (k.clone(), v.clone())).collect()
}

pub fn pods<'a>(s: &'a State, owner: &Value) -> impl Iterator<Item = (&'a Key, &'a Value)> {
    s.api.owned_by(owner).filter(|(k, _)| k.resource == "pods")
}

/// Those that are not ending.
pub fn alive<'a>(s: &'a State, owner: &Value) -> impl Iterator<Item = (&'a Key, &'a Value)> {
    pods(s, owner).filter(|(_, pod)| pod["metadata"]["deletionTimestamp"].is_null())
}

/// What `kubectl rollout restart` writes into a template.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// A pod was made since the last restart of its set.
pub fn is_restarted(pod: &Value, set: &Value) -> bool {
    let wanted = &set["spec"]["template"]["metadata"]["annotations"][RESTARTED];
    wanted.is_null() || pod["metadata"]["annotations"][RESTARTED] == *wanted
}

/// ReplicaSets of a Deployment.
pub fn replica_sets<'a>(s: &'a State, owner: &Value) -> impl Iterator<Item = (&'a Key, &'a Value)> {
    s.api.owned_by(owner).filter(|(k, _)| k.resource == "replicasets")
}

/// The set of the newest template gets all replicas, others none: a roll-out in one step.
pub fn deployments(s: &mut State, now: jiff::Timestamp) {
    for (key, deployment) in changed(s, "deployments") {
        let name = format!("{}-{}", key.name, made::template_hash(&deployment));
        let newest = Key::new("apps", "replicasets", &key.namespace, &name);
        if s.api.get(&newest).is_none() {
            s.api.put(newest.clone(), made::replica_set(&deployment, now));
        }
        let mine: Vec<Key> = replica_sets(s, &deployment).map(|(k, _)| k.clone()).collect();
        for set in mine {
            let wanted = if set == newest { deployment["spec"]["replicas"].clone() } else { json!(0) };
            s.api.change(&set, |v| {
                if v["spec"]["replicas"] != wanted {
                    v["spec"]["replicas"] = wanted;
                    v["metadata"]["generation"] =
                        json!(v["metadata"]["generation"].as_i64().unwrap_or(1) + 1);
                }
            });
        }
    }
}

/// A pod where there is none yet. Those that are there stay, also where they would not be put any more.
pub fn daemon_sets(s: &mut State, world: &World, now: jiff::Timestamp) {
    let all = s.api.of("apps", "daemonsets").map(|(k, v)| (k.clone(), v.clone()));
    let fleet = s.api.of("", "nodes").any(|(_, v)| s.api.index().is_changed(v));
    let due = all.filter(|(_, set)| fleet || s.api.index().is_changed(set));
    for (key, set) in due.collect::<Vec<_>>() {
        let here: HashSet<&str> = pods(s, &set).filter_map(|(_, p)| p["spec"]["nodeName"].as_str()).collect();
        let wanted = |v: &Value| taints::selects(&set["spec"]["template"]["spec"], v);
        let nodes = s.api.of("", "nodes").filter(|(k, v)| !here.contains(k.name.as_str()) && wanted(v));
        let nodes: Vec<(Key, Value)> = nodes.map(|(k, v)| (k.clone(), v.clone())).collect();
        for (node, object) in nodes {
            let name = format!("{}-{}", key.name, names::suffix(&format!("{}{}", key.name, s.serial()), 5));
            let mut pod = made::daemon_pod(&set, &name, &node.name, &world.shape, now);
            if taints::fits(&pod["spec"], &object) {
                pod["status"] = json!({"phase": "Pending", "qosClass": pod["status"]["qosClass"]});
                s.api.put(Key::pod(&key.namespace, &name), pod);
            }
        }
    }
}

/// Garbage collection: an owner that is gone takes along what it made.
pub fn collect(s: &mut State, now: jiff::Timestamp) {
    let lost = |v: &Value| {
        let refs = v["metadata"]["ownerReferences"].as_array();
        refs.is_some_and(|r| {
            !r.is_empty() && r.iter().all(|o| o["uid"].as_str().is_some_and(|u| !s.api.has_uid(u)))
        })
    };
    let gone: Vec<Key> = s.api.new_orphans().filter(|(_, v)| lost(v)).map(|(k, _)| k.clone()).collect();
    for key in gone {
        if key.resource == "pods" {
            evict::terminate(s, &key, None, now);
        } else {
            s.api.delete(&key);
        }
    }
}
