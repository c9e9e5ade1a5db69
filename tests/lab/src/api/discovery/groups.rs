//! Groups and resources, one list a group as it always was, or aggregated as kubectl asks since 1.26.

use crate::api::route::Call;
use crate::api::{Reply, status};
use crate::objects::kinds::{self, Kind};
use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

pub fn answer(call: &Call, parts: &[&str]) -> Option<Reply> {
    let aggregated = call.accepts_aggregated();
    Some(match parts {
        ["api"] if aggregated => aggregate(vec![group("", &["v1"])]),
        ["apis"] if aggregated => aggregate(kinds::groups().iter().map(|(g, v)| group(g, v)).collect()),
        ["api"] => status::reply_json(
            200,
            &json!({"kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": []}),
        ),
        ["apis"] => status::reply_json(
            200,
            &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": plain_groups()}),
        ),
        ["apis", name] => {
            let all = plain_groups();
            let mut one = all.into_iter().find(|g| g["name"] == *name)?;
            (one["kind"], one["apiVersion"]) = (json!("APIGroup"), json!("v1"));
            status::reply_json(200, &one)
        }
        ["api", version] => status::reply_json(200, &resources("", version)?),
        ["apis", group, version] => status::reply_json(200, &resources(group, version)?),
        _ => return None,
    })
}

fn plain_groups() -> Vec<Value> {
    let version = |group: &str, v: &str| json!({"groupVersion": format!("{group}/{v}"), "version": v});
    let all = kinds::groups().into_iter().map(|(name, versions)| {
        json!({"name": name, "versions": versions.iter().map(|v| version(name, v)).collect::<Vec<_>>(),
            "preferredVersion": version(name, versions[0])})
    });
    all.collect()
}

fn of(group: &str, version: &str) -> impl Iterator<Item = &'static Kind> {
    kinds::all().iter().filter(move |k| k.group == group && k.version == version)
}

fn resources(group: &str, version: &str) -> Option<Value> {
    let list: Vec<Value> = of(group, version).map(resource).collect();
    let name = if group.is_empty() { version.to_string() } else { format!("{group}/{version}") };
    let mut all = json!({"kind": "APIResourceList", "groupVersion": name, "resources": list});
    if !group.is_empty() {
        // The legacy group's list has none (recorded).
        all["apiVersion"] = json!("v1");
    }
    (!list.is_empty()).then_some(all)
}

fn resource(k: &Kind) -> Value {
    let singular = if k.is_subresource() { String::new() } else { k.kind.to_lowercase() };
    let mut v = json!({"name": k.resource, "singularName": singular, "namespaced": k.namespaced, "kind": k.kind,
        "verbs": k.verbs});
    if let Some((group, version)) = k.takes {
        (v["group"], v["version"]) = (json!(group), json!(version));
    }
    for (name, words) in [("shortNames", &k.short), ("categories", &k.categories)] {
        if !words.is_empty() {
            v[name] = json!(words);
        }
    }
    if k.stored() {
        v["storageVersionHash"] = json!(storage_hash(k));
    }
    v
}

/// `discovery.StorageVersionHash`: of the version that etcd holds, which for autoscaling is v2 and for events the core group's.
fn storage_hash(k: &Kind) -> String {
    let (group, version) = match (k.group, k.kind) {
        ("autoscaling", _) => ("autoscaling", "v2"),
        (_, "Event") => ("", "v1"),
        _ => (k.group, k.version),
    };
    let hash = Sha256::digest(format!("{group}/{version}/{}", k.kind));
    base64::engine::general_purpose::STANDARD.encode(&hash[..8])
}

fn aggregate(groups: Vec<Value>) -> Reply {
    let body = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": groups});
    status::reply_text(200, AGGREGATED, body.to_string())
}

fn group(name: &str, versions: &[&str]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|v| {
            let main: Vec<Value> =
                of(name, v).filter(|k| !k.is_subresource()).map(|k| whole(k, name, v)).collect();
            json!({"version": v, "resources": main, "freshness": "Current"})
        })
        .collect();
    let metadata = if name.is_empty() {
        json!({"creationTimestamp": null})
    } else {
        json!({"name": name, "creationTimestamp": null})
    };
    json!({"metadata": metadata, "versions": versions})
}

fn whole(k: &Kind, group: &str, version: &str) -> Value {
    let mut v = json!({"resource": k.resource, "responseKind": {"group": group, "version": version, "kind": k.kind},
        "scope": if k.namespaced { "Namespaced" } else { "Cluster" }, "singularResource": k.kind.to_lowercase(), "verbs": k.verbs});
    for (name, words) in [("shortNames", &k.short), ("categories", &k.categories)] {
        if !words.is_empty() {
            v[name] = json!(words);
        }
    }
    let prefix = format!("{}/", k.resource);
    let subs: Vec<Value> = of(group, version).filter_map(|s| {
        let name = s.resource.strip_prefix(&prefix)?;
        let (g, ver) = s.takes.unwrap_or((s.group, s.version));
        Some(json!({"subresource": name, "responseKind": {"group": g, "version": ver, "kind": s.kind}, "verbs": s.verbs}))
    }).collect();
    if !subs.is_empty() {
        v["subresources"] = json!(subs);
    }
    v
}
