//! What an API server says of itself: health, version, groups and resources. Open to anonymous.

use super::kinds::{self, Kind};
use super::route::Call;
use super::{Reply, status};
use crate::world::{World, versions};
use serde_json::{Value, json};
use std::sync::Arc;

/// None where the path is not one of these.
pub fn answer(world: &Arc<World>, front: &str, call: &Call) -> Option<Reply> {
    let parts: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    Some(match parts.as_slice() {
        [check @ ("readyz" | "livez" | "healthz")] => status::text(200, health(check, call.flag("verbose"))),
        ["version"] => status::reply_json(200, &version(world, front)),
        ["api"] => status::reply_json(200, &json!({"kind": "APIVersions", "versions": ["v1"]})),
        ["apis"] => status::reply_json(200, &groups()),
        ["api", "v1"] => status::reply_json(200, &resources("", "v1")),
        ["apis", group, version] if kinds::ALL.iter().any(|k| k.group == *group && k.version == *version) => {
            status::reply_json(200, &resources(group, version))
        }
        _ => return None,
    })
}

pub fn health(check: &str, verbose: bool) -> String {
    let parts = [
        "ping",
        "log",
        "etcd",
        "informer-sync",
        "poststarthook/start-apiserver-admission-initializer",
        "shutdown",
    ];
    match verbose {
        true => {
            parts.iter().map(|p| format!("[+]{p} ok\n")).collect::<String>()
                + &format!("{check} check passed\n")
        }
        false => "ok".into(),
    }
}

fn version(world: &Arc<World>, front: &str) -> Value {
    let s = world.lock();
    let image = s.nodes.get(front).and_then(|n| n.container("kube-apiserver")).map(|c| c.image.clone());
    let version = image.as_deref().and_then(versions::of_image).unwrap_or(world.shape.from);
    json!({"major": version.major.to_string(), "minor": version.minor.to_string(), "gitVersion": version.to_string(),
        "gitCommit": "0000000000000000000000000000000000000000", "gitTreeState": "clean",
        "buildDate": "2025-01-01T00:00:00Z", "goVersion": "go1.23.12", "compiler": "gc", "platform": "linux/amd64"})
}

fn groups() -> Value {
    let mut names: Vec<&str> = kinds::ALL.iter().map(|k| k.group).filter(|g| !g.is_empty()).collect();
    names.dedup();
    let groups: Vec<Value> = names
        .iter()
        .map(|name| {
            let v = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
            json!({"name": name, "versions": [v], "preferredVersion": v})
        })
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn resources(group: &str, version: &str) -> Value {
    let mine = kinds::ALL.iter().filter(|k| k.group == group && k.version == version);
    let mut list: Vec<Value> = mine.map(resource).collect();
    if group.is_empty() {
        list.push(json!({"name": "pods/eviction", "singularName": "", "namespaced": true, "group": "policy",
            "version": "v1", "kind": "Eviction", "verbs": ["create"]}));
    }
    let name = if group.is_empty() { version.to_string() } else { format!("{group}/{version}") };
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": list})
}

fn resource(k: &Kind) -> Value {
    json!({"name": k.resource, "singularName": k.kind.to_lowercase(), "namespaced": k.namespaced, "kind": k.kind,
        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"]})
}
