//! The API double through a kube::Client, on a paused clock.
#![allow(clippy::unwrap_used)] // a test may panic

use crate::common::{recorded, world};
use futures_util::TryStreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use kube::api::{Api, EvictParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use podlift_lab::{Shape, What};
use serde_json::json;
use std::time::Duration;

fn status(e: &kube::Error) -> (u16, String) {
    match e {
        kube::Error::Api(s) => (s.code, s.message.clone()),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_are_cordoned_with_a_precondition() {
    let world = world(recorded());
    let nodes: Api<Node> = Api::all(world.kube_client());
    let list =
        nodes.list(&ListParams::default().labels("node-role.kubernetes.io/control-plane")).await.unwrap();
    assert_eq!(list.items.len(), 3);
    let node = nodes.get("dgx030").await.unwrap();
    let rv = node.metadata.resource_version.clone().unwrap();
    let patch = |rv: &str| json!({"metadata": {"resourceVersion": rv, "annotations": {"podlift.io/owner": "run1"}}, "spec": {"unschedulable": true}});
    nodes.patch("dgx030", &PatchParams::default(), &Patch::Merge(patch(&rv))).await.unwrap();
    let e = nodes.patch("dgx030", &PatchParams::default(), &Patch::Merge(patch("7"))).await.unwrap_err();
    assert_eq!(status(&e), (409, "Operation cannot be fulfilled on nodes \"dgx030\": the object has been modified; please apply your changes to the latest version and try again".into()));
    assert_eq!(status(&nodes.get("nope").await.unwrap_err()), (404, "nodes \"nope\" not found".into()));
    assert_eq!(world.effects().iter().filter(|e| matches!(e.what, What::Cordon { .. })).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn evictions_obey_budgets_and_pods_come_back_elsewhere() {
    let world = world(Shape { inference: (2, 2), ..recorded() });
    let client = world.kube_client();
    let pods: Api<Pod> = Api::namespaced(client.clone(), "runai");
    let here = pods.list(&ListParams::default().fields("spec.nodeName=dgx030")).await.unwrap();
    let name = here.items[0].metadata.name.clone().unwrap();
    let (code, message) = status(&pods.evict(&name, &EvictParams::default()).await.unwrap_err());
    assert_eq!(
        (code, message.as_str()),
        (429, "Cannot evict pod as it would violate the pod's disruption budget.")
    );
    let budgets: Api<k8s_openapi::api::policy::v1::PodDisruptionBudget> =
        Api::namespaced(client.clone(), "runai");
    budgets
        .patch("inference", &PatchParams::default(), &Patch::Merge(json!({"spec": {"minAvailable": 1}})))
        .await
        .unwrap();
    let nodes: Api<Node> = Api::all(client);
    nodes
        .patch("dgx030", &PatchParams::default(), &Patch::Merge(json!({"spec": {"unschedulable": true}})))
        .await
        .unwrap();
    pods.evict(&name, &EvictParams::default()).await.unwrap();
    assert!(pods.get(&name).await.unwrap().metadata.deletion_timestamp.is_some());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(status(&pods.get(&name).await.unwrap_err()).0, 404);
    let all = pods.list(&ListParams::default()).await.unwrap();
    assert!(all.items.iter().all(|p| p.spec.as_ref().unwrap().node_name.as_deref() == Some("dgx031")));
    assert_eq!(all.items.len(), 2);
    assert_eq!(status(&pods.evict("nope", &EvictParams::default()).await.unwrap_err()).0, 404);
}

#[tokio::test(start_paused = true)]
async fn watches_see_changes_and_end_with_their_server() {
    let world = world(recorded());
    let maps: Api<ConfigMap> = Api::namespaced(world.kube_client_at("runai-02"), "kube-system");
    let map = maps.get("kubeadm-config").await.unwrap();
    let from = map.metadata.resource_version.clone().unwrap();
    let mut events = Box::pin(maps.watch(&WatchParams::default(), &from).await.unwrap());
    let mut changed = map.clone();
    changed.data.as_mut().unwrap().insert("x".into(), "y".into());
    maps.replace("kubeadm-config", &PostParams::default(), &changed).await.unwrap();
    loop {
        // Objects written after the one that the version is of come first.
        match events.try_next().await.unwrap().unwrap() {
            WatchEvent::Modified(m) => break assert_eq!(m.data.unwrap()["x"], "y"),
            WatchEvent::Added(_) => {}
            other => panic!("{other:?}"),
        }
    }
    let stale = maps.replace("kubeadm-config", &PostParams::default(), &changed).await.unwrap_err();
    assert_eq!(status(&stale).0, 409);
    world.power_cut("runai-02");
    assert!(events.try_next().await.unwrap().is_none());
    assert!(maps.get("kubeadm-config").await.is_err(), "that server is away");
    assert!(
        Api::<ConfigMap>::namespaced(world.kube_client(), "kube-system").get("kubeadm-config").await.is_ok(),
        "the proxy has others"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_answers_where_no_server_is_up() {
    let world = world(recorded());
    for node in ["runai-01", "runai-02", "runai-03"] {
        world.power_cut(node);
    }
    let version = world.kube_client().apiserver_version().await;
    assert!(version.is_err());
    world.until(|s| s.fronts().len() == 3).await;
    crate::common::warm(&world).await;
    assert_eq!(world.kube_client().apiserver_version().await.unwrap().git_version, "v1.31.14");
}

async fn get(client: &kube::Client, path: &str) -> Result<String, kube::Error> {
    client.request_text(http::Request::get(path).body(vec![]).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn custom_resources_are_there_with_their_definition() {
    let world = world(Shape { calico: true, ..recorded() });
    let client = world.kube_client();
    let path = "/apis/operator.tigera.io/v1/tigerastatuses";
    let list: serde_json::Value = serde_json::from_str(&get(&client, path).await.unwrap()).unwrap();
    let names: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|i| i["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!((names, list["kind"].as_str()), (vec!["apiserver", "calico"], Some("TigeraStatusList")));
    let definition =
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tigerastatuses.operator.tigera.io";
    client.request_text(http::Request::delete(definition).body(vec![]).unwrap()).await.unwrap();
    assert!(get(&client, path).await.is_err(), "without a definition there is no such resource");
}

#[tokio::test(start_paused = true)]
async fn each_api_server_tells_its_own_metrics() {
    let world = world(Shape { calico: true, ..recorded() });
    let used = |removed: &str| podlift_lab::world::state::Deprecated {
        group: "flowcontrol.apiserver.k8s.io".into(),
        version: "v1beta3".into(),
        resource: "flowschemas".into(),
        removed: removed.into(),
    };
    world.update(|s| s.deprecated.insert("runai-02".into(), vec![used("1.32")]));
    let at = async |node: &str| get(&world.kube_client_at(node), "/metrics").await.unwrap();
    let line = "apiserver_requested_deprecated_apis{group=\"flowcontrol.apiserver.k8s.io\",removed_release=\"1.32\",resource=\"flowschemas\",subresource=\"\",version=\"v1beta3\"} 1\n";
    assert!(at("runai-02").await.contains(line));
    let other = at("runai-01").await;
    assert!(!other.contains("deprecated"));
    assert!(other.contains("apiserver_storage_objects{resource=\"nodes\"} 5\n"));
    assert!(other.contains("apiserver_storage_objects{resource=\"tigerastatuses.operator.tigera.io\"} 2\n"));
    assert!(get(&world.strange_client_at("runai-01"), "/metrics").await.is_err());
}
