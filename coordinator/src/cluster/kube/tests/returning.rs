//! Pods that come back to a cordoned node are left and named; pods that were bound just before the cordon are evicted.

use super::*;

fn cordoned() -> Value {
    let mut node = node(true, Some(("r1", 5)));
    node["spec"]["taints"] = json!([
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-11-22T02:00:00Z"},
    ]);
    node
}

fn created(name: &str, time: &str, tolerates: bool) -> Value {
    let mut pod = pod(name, Some("CloneSet"));
    pod["metadata"]["creationTimestamp"] = json!(time);
    if tolerates {
        pod["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    }
    pod
}

#[tokio::test(start_paused = true)]
async fn only_what_was_created_after_the_cordon_and_would_come_again_is_left() {
    let pods = [
        created("before", "2026-11-22T01:59:59Z", true),
        created("again", "2026-11-22T02:00:05Z", true),
        created("raced", "2026-11-22T02:00:05Z", false),
        created("placed", "2026-11-22T02:01:00Z", false),
    ];
    let api = Played::default().node(cordoned()).pods(&pods);
    let view = api.pods_to_evict(DrainOptions::default()).await;
    assert_eq!(view.evict, ["a/before", "a/raced"]);
    assert!(view.left[0].starts_with("a/again (it tolerates the cordon"), "{:?}", view.left);
    assert!(view.left[1].starts_with("a/placed (its controller places it"), "{:?}", view.left);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_comes_back_during_the_drain_ends_it_and_is_named() {
    let list = |items: &[Value]| (200, json!({"metadata": {}, "items": items}));
    let (before, mut again) =
        (created("x", "2026-11-22T01:00:00Z", true), created("x", "2026-11-22T02:30:00Z", true));
    again["metadata"]["uid"] = json!("uid-2");
    let api = Played::default()
        .node(cordoned())
        .on(&format!("GET {PODS}"), &[list(std::slice::from_ref(&before)), list(&[again.clone()])])
        .on(&evict("x"), &[(201, json!({}))])
        .on(&at("x"), &[(200, before), (200, again)]);
    let said = api.drain(60).await.unwrap();
    assert!(said.contains("1 pod evicted") && said.contains("left there: a/x (it tolerates"), "{said}");
    assert_eq!(api.bodies(&evict("x")).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_was_bound_just_before_the_cordon_is_evicted_in_the_next_round() {
    let list = |items: &[Value]| (200, json!({"metadata": {}, "items": items}));
    let (first, late) = (pod("web", Some("ReplicaSet")), pod("late", Some("ReplicaSet")));
    let api = Played::default()
        .node(node(true, Some(("r1", 5))))
        .on(&format!("GET {PODS}"), &[list(&[first]), list(&[late])])
        .on(&evict("web"), &[(201, json!({}))])
        .on(&evict("late"), &[(201, json!({}))]);
    assert!(api.drain(60).await.unwrap().starts_with("2 pods evicted"));
}

#[tokio::test(start_paused = true)]
async fn without_a_taint_the_time_is_that_of_the_write_that_set_the_cordon() {
    let mut node = node(true, None);
    node["metadata"]["managedFields"] = json!([
        {"manager": "kubelet", "time": "2026-11-22T02:59:00Z", "fieldsV1": {"f:status": {}}},
        {"manager": "podlift", "time": "2026-11-22T02:00:00Z", "fieldsV1": {"f:spec": {"f:unschedulable": {}}}},
    ]);
    let pods = [created("again", "2026-11-22T02:00:05Z", true)];
    let api = Played::default().node(node).pods(&pods);
    assert!(api.pods_to_evict(DrainOptions::default()).await.evict.is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_the_time_of_the_cordon_a_pod_that_bears_it_is_evicted_once() {
    let list = |items: &[Value]| (200, json!({"metadata": {}, "items": items}));
    let (first, mut again) =
        (created("x", "2026-11-22T01:00:00Z", true), created("x", "2026-11-22T02:30:00Z", true));
    again["metadata"]["uid"] = json!("uid-2");
    let api = Played::default()
        .node(node(true, Some(("r1", 5))))
        .on(&format!("GET {PODS}"), &[list(&[first]), list(&[again])])
        .on(&evict("x"), &[(201, json!({}))]);
    let said = api.drain(60).await.unwrap();
    assert!(said.contains("left there: a/x (it tolerates"), "{said}");
    assert_eq!(api.bodies(&evict("x")).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_uncordoned_during_its_drain_ends_the_drain() {
    let api = Played::default()
        .on(&format!("GET {NODE}"), &[(200, cordoned()), (200, node(false, Some(("r1", 5))))])
        .pods(&[pod("web", Some("ReplicaSet"))])
        .on(&evict("web"), &[(201, json!({}))]);
    let failure = api.drain(60).await.unwrap_err();
    assert_eq!(failure.code, codes::CORDON_LOST, "{}", failure.message);
    assert_eq!(api.bodies(&evict("web")).len(), 1, "no second round");
}

#[tokio::test(start_paused = true)]
async fn pods_that_are_made_as_fast_as_they_go_end_with_the_time_of_the_drain() {
    let list = |number: usize| {
        let mut bare = pod("bare", None);
        bare["metadata"]["uid"] = json!(format!("uid-{number}"));
        (200, json!({"metadata": {}, "items": [bare]}))
    };
    let lists: Vec<(u16, Value)> = (0..100).map(list).collect();
    let api = Played::default()
        .node(cordoned())
        .on(&format!("GET {PODS}"), &lists)
        .on(&evict("bare"), &[(201, json!({}))]);
    let force = DrainOptions { force: true, ..DrainOptions::default() };
    let failure = api.drain_with(3, force).await.unwrap_err();
    assert_eq!(failure.code, codes::DRAIN_BLOCKED);
    assert!(
        failure.message.contains("others come to it") && failure.message.contains("a/bare"),
        "{}",
        failure.message
    );
}
