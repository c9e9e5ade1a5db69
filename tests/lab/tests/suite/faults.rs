//! Failures of the API double: by verb, for a number of requests or for a time, and evictions as the real API server refuses them.
#![allow(clippy::unwrap_used)] // a test may panic

use crate::common::{recorded, world};
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use podlift_lab::api::{Caller, handle};
use podlift_lab::objects::Key;
use podlift_lab::{ApiFault, Fault, FaultAction, Shape, World};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

struct Answer {
    status: u16,
    retry_after: Option<String>,
    text: String,
}

async fn send(world: &Arc<World>, method: &str, path: &str, body: Value) -> std::io::Result<Answer> {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let caller = Caller(Some("podlift".into()));
    let reply = handle(world, "runai-01", &caller, request.body(body).unwrap()).await?;
    let retry_after = reply.headers().get("retry-after").map(|v| v.to_str().unwrap().to_string());
    let status = reply.status().as_u16();
    let bytes = reply.into_body().collect().await.unwrap().to_bytes();
    Ok(Answer { status, retry_after, text: String::from_utf8(bytes.to_vec()).unwrap() })
}

fn fail(code: i32) -> FaultAction {
    FaultAction::Fail { code, stderr: "by order".into() }
}

#[tokio::test(start_paused = true)]
async fn each_verb_fails_alone() {
    let world = world(recorded());
    let pods = "/api/v1/pods";
    world.add_fault(Fault::new("api", "list ", FaultAction::Api(ApiFault::Busy { retry_after: 3 })));
    assert_eq!(send(&world, "GET", "/api/v1/nodes/dgx030", Value::Null).await.unwrap().status, 200);
    let busy = send(&world, "GET", pods, Value::Null).await.unwrap();
    assert_eq!((busy.status, busy.retry_after.as_deref()), (429, Some("3")));
    assert!(!busy.text.starts_with('{'), "priority and fairness sends no Status: {}", busy.text);
    assert_eq!(send(&world, "GET", pods, Value::Null).await.unwrap().status, 200, "once");
    world.add_fault(Fault::new("api", "watch ", FaultAction::Api(ApiFault::Reset)));
    assert_eq!(send(&world, "GET", pods, Value::Null).await.unwrap().status, 200);
    let reset = send(&world, "GET", "/api/v1/pods?watch=true", Value::Null).await.err().unwrap();
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    world.add_fault(Fault::new("api", "get GET /api/v1/nodes/", fail(500)));
    let wrong = send(&world, "GET", "/api/v1/nodes/dgx030", Value::Null).await.unwrap();
    assert!(wrong.text.contains("\"reason\":\"InternalError\""), "{}", wrong.text);
}

#[tokio::test(start_paused = true)]
async fn a_fault_can_last_for_a_time() {
    let world = world(recorded());
    let end = world.clock.now() + SignedDuration::from_secs(1);
    world.add_fault(Fault::new("api", "list ", fail(503)).until(end));
    for _ in 0..5 {
        assert_eq!(send(&world, "GET", "/api/v1/pods", Value::Null).await.unwrap().status, 503);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(send(&world, "GET", "/api/v1/pods", Value::Null).await.unwrap().status, 200);
}

fn first_pod(world: &World, namespace: &str) -> (String, String) {
    let s = world.lock();
    let (key, v) = s.api.pods().find(|(k, _)| k.namespace == namespace).unwrap();
    (key.name.clone(), v["metadata"]["uid"].as_str().unwrap().to_string())
}

fn eviction(name: &str, uid: &str) -> Value {
    json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "runai"},
        "deleteOptions": {"preconditions": {"uid": uid}}})
}

async fn evict(world: &Arc<World>, name: &str, uid: &str) -> Answer {
    let path = format!("/api/v1/namespaces/runai/pods/{name}/eviction");
    send(world, "POST", &path, eviction(name, uid)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_eviction_of_another_uid_is_a_conflict_behind_the_budget() {
    let world = world(Shape { inference: (2, 2), ..recorded() });
    let (name, uid) = first_pod(&world, "runai");
    assert_eq!(evict(&world, &name, "another").await.status, 429, "the budget is asked first");
    let budget = Key::new("policy", "poddisruptionbudgets", "runai", "inference");
    world.update(|s| s.api.change(&budget, |v| v["spec"]["minAvailable"] = json!(0)));
    let conflict = evict(&world, &name, "another").await;
    assert_eq!(conflict.status, 409);
    assert!(
        conflict.text.contains("the UID in the precondition (another) does not match"),
        "{}",
        conflict.text
    );
    assert!(!world.effects().iter().any(|e| matches!(e.what, podlift_lab::What::Eviction { .. })));
    assert_eq!(evict(&world, &name, &uid).await.status, 201);
}

/// Case 41: nothing is ever allowed, and the reason is in the budget's condition and in the refusal.
#[tokio::test(start_paused = true)]
async fn a_budget_over_pods_without_a_scale_can_never_count() {
    let world = world(recorded());
    let (name, uid) = first_pod(&world, "runai");
    let budget = Key::new("policy", "poddisruptionbudgets", "runai", "inference");
    let owner = json!([{"apiVersion": "elasticsearch.k8s.elastic.co/v1", "kind": "Elasticsearch", "name": "es", "uid": "o-es", "controller": true}]);
    world.update(|s| {
        s.api.change(&budget, |v| v["spec"] = json!({"maxUnavailable": 1, "selector": v["spec"]["selector"]}));
        let pods: Vec<Key> = s.api.pods().filter(|(k, _)| k.namespace == "runai").map(|(k, _)| k.clone()).collect();
        for key in pods {
            s.api.change(&key, |v| v["metadata"]["ownerReferences"] = owner.clone());
        }
        // The garbage collector leaves what has an owner.
        let es = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "es", "namespace": "runai", "uid": "o-es"}});
        s.api.put(Key::new("", "configmaps", "runai", "es"), es);
    });
    world
        .until(|s| s.api.get(&budget).is_some_and(|v| v["status"]["conditions"][0]["reason"] == "SyncFailed"))
        .await;
    let status = world.lock().api.get(&budget).unwrap()["status"].clone();
    assert_eq!(status["disruptionsAllowed"], 0);
    let why = "elasticsearchs.elasticsearch.k8s.elastic.co does not implement the scale subresource";
    assert_eq!(status["conditions"][0]["message"], why);
    let refused = evict(&world, &name, &uid).await;
    assert!(refused.status == 429 && refused.text.contains(why), "{}", refused.text);
}

/// Case 46: the eviction is accepted, and the pod stays until its finalizer is gone.
#[tokio::test(start_paused = true)]
async fn a_finalizer_keeps_an_evicted_pod() {
    let world = world(Shape { inference: (2, 0), ..recorded() });
    let (name, uid) = first_pod(&world, "runai");
    let key = Key::pod("runai", &name);
    world.update(|s| {
        s.api.change(&key, |v| v["metadata"]["finalizers"] = json!(["ci.site.example/reporter"]))
    });
    assert_eq!(evict(&world, &name, &uid).await.status, 201);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(world.lock().api.get(&key).is_some_and(|v| v["metadata"]["deletionTimestamp"].is_string()));
    world.update(|s| s.api.change(&key, |v| v["metadata"]["finalizers"] = json!([])));
    world.until(|s| s.api.get(&key).is_none()).await;
}

/// A pod that bears every taint comes back to the node that it was evicted from, cordon or not.
#[tokio::test(start_paused = true)]
async fn what_bears_everything_comes_back() {
    let world = world(Shape { inference: (1, 0), ..recorded() });
    let (deployment, node) = {
        let s = world.lock();
        let (key, _) = s.api.of("apps", "deployments").find(|(k, _)| k.namespace == "runai").unwrap();
        (key.clone(), "dgx030")
    };
    world.update(|s| {
        s.api.change(&deployment, |v| {
            v["spec"]["template"]["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
            v["spec"]["template"]["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": node});
        });
        s.api.change(&Key::node(node), |v| v["spec"]["unschedulable"] = json!(true));
    });
    let here = |s: &podlift_lab::State| {
        let mine =
            |v: &Value| v["spec"]["nodeName"] == node && v["spec"]["tolerations"][0]["operator"] == "Exists";
        let found = s
            .api
            .pods()
            .find(|(k, v)| k.namespace == "runai" && mine(v) && v["status"]["phase"] == "Running");
        found.map(|(k, _)| k.name.clone())
    };
    world.until(|s| here(s).is_some()).await;
    let first = here(&world.lock()).unwrap();
    let path = format!("/api/v1/namespaces/runai/pods/{first}/eviction");
    let body = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": first, "namespace": "runai"}});
    assert_eq!(send(&world, "POST", &path, body).await.unwrap().status, 201);
    world.until(|s| here(s).is_some_and(|name| name != first)).await;
}
