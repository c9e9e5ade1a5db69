//! Create, replace, patch, delete, with resourceVersion and uid preconditions. Cordons and ConfigMap writes are effects.

use super::route::{Call, Target};
use super::{Reply, patch as patches, status};
use crate::world::{What, World, cast};
use serde_json::{Value, json};
use std::sync::Arc;

pub fn create(world: &Arc<World>, target: &Target, call: &Call) -> Reply {
    let mut v = call.json();
    let generated =
        v["metadata"]["generateName"].as_str().map(|g| format!("{g}{:05x}", world.lock().serial()));
    let name = v["metadata"]["name"].as_str().map(ToString::to_string).or(generated);
    let Some(name) = name else { return status::bad_request("name or generateName is required") };
    if v["metadata"]["resourceVersion"].as_str().is_some_and(|r| !r.is_empty()) {
        return status::bad_request("resourceVersion should not be set on objects to be created");
    }
    let target = Target {
        kind: target.kind,
        namespace: target.namespace.clone(),
        name: name.clone(),
        subresource: None,
    };
    let now = world.clock.now();
    let mut s = world.lock();
    if s.api.get(&target.key()).is_some() {
        return status::exists(&target);
    }
    let serial = s.serial();
    let fresh =
        cast::object(&target.kind.api_version(), target.kind.kind, &target.namespace, &name, json!({}), now);
    (v["kind"], v["apiVersion"]) = (fresh["kind"].clone(), fresh["apiVersion"].clone());
    for key in ["name", "namespace", "creationTimestamp"] {
        if !fresh["metadata"][key].is_null() {
            v["metadata"][key] = fresh["metadata"][key].clone();
        }
    }
    let uid = podlift_model::Digest::of(format!("{serial}{name}"));
    let uid = uid.as_str();
    v["metadata"]["uid"] =
        json!(format!("{}-{}-4{}-8{}-{}", &uid[..8], &uid[8..12], &uid[13..16], &uid[17..20], &uid[20..32]));
    defaults(target.kind.kind, &mut v);
    if call.dry_run() {
        return status::reply_json(201, &v);
    }
    let made = s.api.put(target.key(), v);
    drop(s);
    world.update(|_| ());
    status::reply_json(201, &made)
}

fn defaults(kind: &str, v: &mut Value) {
    match kind {
        "Pod" if v["status"].is_null() => v["status"] = json!({"phase": "Pending", "qosClass": "BestEffort"}),
        "Namespace" => v["status"] = json!({"phase": "Active"}),
        "PodDisruptionBudget" => {
            v["metadata"]["generation"] = json!(1);
            v["status"] =
                json!({"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0});
        }
        _ => {}
    }
}

pub fn replace(world: &Arc<World>, user: &str, target: &Target, call: &Call) -> Reply {
    let wanted = call.json();
    change(world, user, target, call, move |v| {
        let kept = v["metadata"].clone();
        *v = wanted;
        for key in ["uid", "creationTimestamp", "resourceVersion"] {
            let given = v["metadata"][key].clone();
            if given.is_null() {
                v["metadata"][key] = kept[key].clone();
            }
        }
        Some(())
    })
}

pub fn patch(world: &Arc<World>, user: &str, target: &Target, call: &Call) -> Reply {
    let body = match call.content_type.as_str() {
        "application/apply-patch+yaml" => {
            match serde_saphyr::from_str(&String::from_utf8_lossy(&call.body)) {
                Ok(v) => v,
                Err(e) => return status::bad_request(&format!("error decoding YAML: {e}")),
            }
        }
        _ => call.json(),
    };
    let content = call.content_type.clone();
    change(world, user, target, call, move |v| match content.as_str() {
        "application/json-patch+json" => patches::json_patch(v, &body),
        "application/strategic-merge-patch+json" => {
            patches::strategic(v, &body);
            Some(())
        }
        _ => {
            patches::merge(v, &body);
            Some(())
        }
    })
}

fn change(
    world: &Arc<World>,
    user: &str,
    target: &Target,
    call: &Call,
    edit: impl FnOnce(&mut Value) -> Option<()>,
) -> Reply {
    let mut s = world.lock();
    let Some(before) = s.api.get(&target.key()).cloned() else { return status::not_found(target) };
    let mut after = before.clone();
    if edit(&mut after).is_none() {
        return status::invalid_patch();
    }
    let version = |v: &Value| v["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_string();
    let given = version(&after);
    if !given.is_empty() && given != version(&before) {
        return status::modified(target);
    }
    if after["metadata"]["uid"] != before["metadata"]["uid"] {
        let uid = |v: &Value| v["metadata"]["uid"].as_str().unwrap_or_default().to_string();
        return status::uid_mismatch(target, &uid(&after), &uid(&before));
    }
    prune(&mut after);
    if target.kind.kind == "ConfigMap" && after != before {
        cast::managed(&mut after, call.manager(), world.clock.now());
    }
    if call.dry_run() {
        return status::reply_json(200, &after);
    }
    let made = s.api.put(target.key(), after);
    drop(s);
    world.update(|_| ());
    effects(world, user, target, &before, &made);
    status::reply_json(200, &made)
}

/// Empty annotations and a false unschedulable are not stored.
fn prune(v: &mut Value) {
    if v["metadata"]["annotations"].as_object().is_some_and(serde_json::Map::is_empty) {
        v["metadata"].as_object_mut().map(|m| m.remove("annotations"));
    }
    if v["kind"] == "Node" && v["spec"]["unschedulable"] == false {
        v["spec"].as_object_mut().map(|m| m.remove("unschedulable"));
    }
}

fn effects(world: &Arc<World>, user: &str, target: &Target, before: &Value, after: &Value) {
    let by = user.to_string();
    match target.kind.kind {
        "Node" => match (before["spec"]["unschedulable"] == true, after["spec"]["unschedulable"] == true) {
            (false, true) => world.record(&target.name, What::Cordon { by }, None),
            (true, false) => world.record(&target.name, What::Uncordon { by }, None),
            _ => {}
        },
        "ConfigMap" if before != after => {
            let name = target.name.clone();
            world.record("", What::ConfigMapWrite { name, by }, None);
        }
        _ => {}
    }
}

pub fn delete(world: &Arc<World>, target: &Target, call: &Call) -> Reply {
    let options = call.json();
    let now = world.clock.now();
    let mut s = world.lock();
    let Some(v) = s.api.get(&target.key()).cloned() else { return status::not_found(target) };
    let uid = v["metadata"]["uid"].as_str().unwrap_or_default();
    if let Some(wanted) = options["preconditions"]["uid"].as_str().filter(|w| *w != uid) {
        return status::uid_mismatch(target, wanted, uid);
    }
    let gone = match target.kind.kind {
        "Pod" => super::evict::terminate(&mut s, &target.key(), options["gracePeriodSeconds"].as_i64(), now),
        _ => s.api.delete(&target.key()),
    };
    drop(s);
    world.update(|_| ());
    status::reply_json(200, &gone.unwrap_or(v))
}
