//! Deployments have a ReplicaSet of their newest template, DaemonSets a pod on each node that takes one, and what lost its owner goes.

use super::index::ByOwner;
use super::taints;
use crate::api::evict;
use crate::objects::{Key, names};
use crate::world::{State, World, pods};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};

fn all(s: &State, group: &str, resource: &str) -> Vec<(Key, Value)> {
    s.api.of(group, resource).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn owned_by(v: &Value, owner: &Value) -> bool {
    v["metadata"]["ownerReferences"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|o| o["uid"] == owner["metadata"]["uid"])
}

/// The set of the newest template gets all replicas, others none: a roll-out in one step.
pub fn deployments(s: &mut State, now: jiff::Timestamp) {
    for (key, deployment) in all(s, "apps", "deployments") {
        let name = format!("{}-{}", key.name, pods::template_hash(&deployment));
        let newest = Key::new("apps", "replicasets", &key.namespace, &name);
        if s.api.get(&newest).is_none() {
            s.api.put(newest.clone(), pods::replica_set(&deployment, now));
        }
        let mine: Vec<Key> = s
            .api
            .of("apps", "replicasets")
            .filter(|(_, v)| owned_by(v, &deployment))
            .map(|(k, _)| k.clone())
            .collect();
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
    let sets = all(s, "apps", "daemonsets");
    let index = ByOwner::all(s);
    let node_of = |(_, pod): &(&Key, &Value)| pod["spec"]["nodeName"].as_str().map(String::from);
    let here: Vec<BTreeSet<String>> =
        sets.iter().map(|(_, set)| index.pods(set).iter().filter_map(node_of).collect()).collect();
    for ((key, set), here) in sets.into_iter().zip(here) {
        let nodes: Vec<(Key, Value)> = s
            .api
            .of("", "nodes")
            .filter(|(k, v)| !here.contains(&k.name) && taints::selects(&set["spec"]["template"]["spec"], v))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        for (node, object) in nodes {
            let name = format!("{}-{}", key.name, names::suffix(&format!("{}{}", key.name, s.serial()), 5));
            let mut pod = pods::daemon_pod(&set, &name, &node.name, &world.shape, now);
            if taints::fits(&pod["spec"], &object) {
                pod["status"] = json!({"phase": "Pending", "qosClass": pod["status"]["qosClass"]});
                s.api.put(Key::pod(&key.namespace, &name), pod);
            }
        }
    }
}

/// Garbage collection: an owner that is gone takes along what it made.
pub fn collect(s: &mut State, now: jiff::Timestamp) {
    let owners: HashSet<&str> =
        s.api.everything().filter_map(|(_, v)| v["metadata"]["uid"].as_str()).collect();
    let lost = |v: &Value| {
        let refs = v["metadata"]["ownerReferences"].as_array();
        refs.is_some_and(|r| {
            !r.is_empty() && r.iter().all(|o| o["uid"].as_str().is_some_and(|u| !owners.contains(u)))
        })
    };
    let gone: Vec<Key> = s.api.everything().filter(|(_, v)| lost(v)).map(|(k, _)| k.clone()).collect();
    for key in gone {
        if key.resource == "pods" {
            evict::terminate(s, &key, None, now);
        } else {
            s.api.delete(&key);
        }
    }
}
