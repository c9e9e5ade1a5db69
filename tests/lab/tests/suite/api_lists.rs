//! Lists and watches of the API double as clients lean on them: pages of one moment, what is forgotten, bookmarks, thousands of nodes.
#![allow(clippy::unwrap_used)] // a test may panic

use crate::common::recorded;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use podlift_lab::api::{Caller, Reply, handle};
use podlift_lab::objects::Key;
use podlift_lab::{Shape, World};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

async fn send(world: &Arc<World>, method: &str, path: &str, body: Value) -> Reply {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(body)
        .unwrap();
    handle(world, "runai-01", &Caller(Some("podlift".into())), request).await.unwrap()
}

async fn get(world: &Arc<World>, path: &str) -> (u16, Value) {
    let reply = send(world, "GET", path, Value::Null).await;
    let status = reply.status().as_u16();
    (status, serde_json::from_slice(&reply.into_body().collect().await.unwrap().to_bytes()).unwrap())
}

/// The next event of a watch. None: it has ended.
async fn event(reply: &mut Reply) -> Option<Value> {
    let frame = reply.body_mut().frame().await?.unwrap();
    Some(serde_json::from_slice(frame.data_ref().unwrap()).unwrap())
}

fn map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}})
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn names(world: &Arc<World>, token: &str) -> (Vec<String>, Value) {
    let (status, list) = get(world, &format!("{MAPS}?limit=2&continue={token}")).await;
    assert_eq!(status, 200, "{list}");
    let names =
        list["items"].as_array().unwrap().iter().map(|v| v["metadata"]["name"].as_str().unwrap().to_string());
    (names.collect(), list["metadata"].clone())
}

#[tokio::test(start_paused = true)]
async fn pages_show_one_moment_until_it_is_forgotten() {
    let world = World::new(recorded());
    for name in ["a", "b", "c", "d"] {
        assert_eq!(send(&world, "POST", MAPS, map(name)).await.status(), 201);
    }
    let (first, meta) = names(&world, "").await;
    assert_eq!((first, &meta["remainingItemCount"]), (vec!["a".into(), "b".into()], &json!(2)));
    let token = meta["continue"].as_str().unwrap();
    send(&world, "DELETE", &format!("{MAPS}/c"), Value::Null).await;
    send(&world, "POST", MAPS, map("e")).await;
    let (second, last) = names(&world, token).await;
    assert_eq!(second, ["c", "d"], "as it was when the list began");
    assert_eq!((&last["resourceVersion"], &last["continue"]), (&meta["resourceVersion"], &Value::Null));
    world.update(|s| s.api.compact());
    let (status, expired) = get(&world, &format!("{MAPS}?limit=2&continue={token}")).await;
    assert_eq!((status, &expired["reason"]), (410, &json!("Expired")));
    let (rest, _) = names(&world, expired["metadata"]["continue"].as_str().unwrap()).await;
    assert_eq!(rest, ["d", "e"], "the rest as it is now");
    assert_eq!(get(&world, &format!("{MAPS}?continue=nonsense")).await.0, 400);
    let (status, ahead) = get(&world, &format!("{MAPS}?resourceVersion=999999")).await;
    assert_eq!((status, &ahead["details"]["causes"][0]["reason"]), (504, &json!("ResourceVersionTooLarge")));
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_is_told_how_far_it_is() {
    let world = crate::common::world(recorded());
    tokio::time::sleep(Duration::from_secs(120)).await;
    let mut watch = send(&world, "GET", &format!("{MAPS}?watch=true&allowWatchBookmarks=true&timeoutSeconds=90&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"), Value::Null).await;
    let first = event(&mut watch).await.unwrap();
    assert_eq!(
        (&first["type"], &first["object"]["metadata"]["name"]),
        (&json!("ADDED"), &json!("kube-root-ca.crt"))
    );
    let end = event(&mut watch).await.unwrap();
    assert_eq!(
        (&end["type"], &end["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"]),
        (&json!("BOOKMARK"), &json!("true"))
    );
    world.update(|s| {
        s.api.put(
            Key::new("", "secrets", "default", "s"),
            json!({"metadata": {"name": "s", "namespace": "default"}}),
        )
    });
    let mark = event(&mut watch).await.unwrap();
    assert_eq!(mark["type"], "BOOKMARK");
    assert_eq!(
        mark["object"]["metadata"]["resourceVersion"],
        json!(world.lock().api.version.to_string()),
        "also of other kinds"
    );
    assert_eq!(event(&mut watch).await, None, "its time is over");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_leaves_a_selection_is_deleted_for_its_watch() {
    let world = World::new(recorded());
    let server = world.clone();
    // Watches end with their server: this one stands for it.
    server.start();
    world.until(|s| s.fronts().len() == 3).await;
    let path = "/api/v1/nodes?watch=true&labelSelector=rack%3Da&resourceVersion=";
    let version = world.lock().api.version;
    let mut watch = send(&world, "GET", &format!("{path}{version}"), Value::Null).await;
    let label = |rack: &'static str| {
        world
            .update(|s| s.api.change(&Key::node("dgx030"), |v| v["metadata"]["labels"]["rack"] = json!(rack)))
    };
    label("a");
    label("b");
    let (one, two) = (event(&mut watch).await.unwrap(), event(&mut watch).await.unwrap());
    assert_eq!((&one["type"], &two["type"]), (&json!("ADDED"), &json!("DELETED")));
    assert_eq!(two["object"]["metadata"]["labels"]["rack"], "a", "as it was when it was last selected");
    assert!(
        two["object"]["metadata"]["resourceVersion"].as_str()
            > one["object"]["metadata"]["resourceVersion"].as_str()
    );
}

#[tokio::test(start_paused = true)]
async fn a_terminating_namespace_takes_nothing_new_and_then_goes() {
    let world = crate::common::world(recorded());
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "late"}});
    send(&world, "POST", "/api/v1/namespaces", space).await;
    send(&world, "POST", "/api/v1/namespaces/late/configmaps", json!({"metadata": {"name": "a"}})).await;
    assert_eq!(send(&world, "DELETE", "/api/v1/namespaces/late", Value::Null).await.status(), 200);
    let refused =
        send(&world, "POST", "/api/v1/namespaces/late/configmaps", json!({"metadata": {"name": "b"}})).await;
    assert_eq!(refused.status(), 403);
    let body: Value =
        serde_json::from_slice(&refused.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(body["details"]["causes"][0]["reason"], "NamespaceTerminating");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(get(&world, "/api/v1/namespaces/late").await.0, 404);
    assert_eq!(get(&world, "/api/v1/namespaces/late/configmaps/a").await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn two_thousand_nodes_are_listed_whole_and_in_pages() {
    let workers = (0..2_000).map(|i| format!("dgx{i:04}")).collect();
    let world = World::new(Shape { workers, ..Shape::default() });
    let (status, all) = get(&world, "/api/v1/nodes").await;
    assert_eq!((status, all["items"].as_array().unwrap().len()), (200, 2_003));
    assert!(all["items"][0]["kind"].is_null(), "items of a list name no kind");
    let (mut token, mut seen) = (String::new(), 0);
    loop {
        let (_, page) = get(&world, &format!("/api/v1/pods?limit=500&continue={token}")).await;
        seen += page["items"].as_array().unwrap().len();
        match page["metadata"]["continue"].as_str() {
            Some(next) => token = next.into(),
            None => break,
        }
    }
    assert_eq!(seen, world.lock().api.pods().count());
    assert!(seen > 4_000);
}
