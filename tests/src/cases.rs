//! Objects of public reports (tests/fixtures/cases), as they are put into a World.

use podlift_lab::World;
use podlift_lab::objects::Key;
use serde_json::{Value, json};

/// Content of a file of a case.
#[macro_export]
macro_rules! case {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cases/", $file))
    };
}

/// The objects of a file, with the owners that the garbage collector wants.
pub fn put(world: &World, text: &str) {
    let objects: Vec<Value> = serde_saphyr::from_multiple(text).unwrap_or_else(|e| panic!("a case: {e}"));
    let now = world.clock.now().to_string();
    world.update(|s| {
        for mut v in objects.into_iter().filter(Value::is_object) {
            v["metadata"]["creationTimestamp"] = json!(now);
            let text = |v: &Value, field: &str| v["metadata"][field].as_str().unwrap_or_default().to_string();
            let (group, resource) = match v["kind"].as_str() {
                Some("Pod") => ("", "pods"),
                Some("PodDisruptionBudget") => ("policy", "poddisruptionbudgets"),
                Some("Deployment") => ("apps", "deployments"),
                Some("DaemonSet") => ("apps", "daemonsets"),
                Some("Node") => {
                    let labels = v["metadata"]["labels"].clone();
                    s.api.change(&Key::node(&text(&v, "name")), |node| {
                        merge(&mut node["metadata"]["labels"], labels)
                    });
                    continue;
                }
                other => panic!("a case with an object of kind {other:?}"),
            };
            let namespace = text(&v, "namespace");
            for owner in v["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default() {
                // Owners of one name may have several uids.
                let name = owner["uid"].as_str().unwrap_or_default();
                let stands_for = json!({"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": name, "namespace": namespace, "uid": owner["uid"]}});
                s.api.put(Key::new("", "configmaps", &namespace, name), stands_for);
            }
            let name = text(&v, "name");
            s.api.put(Key::new(group, resource, &namespace, &name), v);
        }
    });
}

fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}
