//! A training job of the lab is as unkind as a real one: it ends as a whole, and starts only where all of its pods fit.
#![allow(clippy::unwrap_used)] // a test may panic

use podlift_lab::objects::Key;
use podlift_lab::world::Scheduler;
use podlift_lab::{Shape, World};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const JOB: &str = "llm";

fn world() -> Arc<World> {
    let workers = ["dgx030", "dgx031", "dgx032"].map(String::from).to_vec();
    let world = World::new(Shape { control_planes: vec!["runai-01".into()], workers, ..Shape::default() });
    world.start();
    world.train(JOB, &["dgx030", "dgx031"]);
    world
}

fn change(world: &World, node: &str, change: impl FnOnce(&mut Value)) {
    world.update(|s| s.api.change(&Key::node(node), change)).unwrap();
}

fn cordon(world: &World, node: &str, is: bool) {
    change(world, node, |v| v["spec"]["unschedulable"] = json!(is));
}

/// One pod of the job goes, as an eviction ends it.
fn lose_one(world: &World, node: &str) {
    let pod = world.lock().api.pods_on(node).find(|(k, _)| k.name.starts_with(JOB)).map(|(k, _)| k.clone());
    world.update(|s| s.api.delete(&pod.unwrap())).unwrap();
}

async fn settle() {
    tokio::time::sleep(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn one_lost_pod_ends_the_whole_job_and_it_comes_back_where_all_fit() {
    let world = world();
    settle().await;
    assert_eq!((world.interruptions(JOB), world.nodes_of(JOB).len()), (0, 2));
    cordon(&world, "dgx030", true);
    lose_one(&world, "dgx030");
    settle().await;
    assert_eq!((world.interruptions(JOB), world.nodes_of(JOB)), (1, vec!["dgx031".into(), "dgx032".into()]));
}

#[tokio::test(start_paused = true)]
async fn without_room_for_all_none_is_placed() {
    let world = world();
    settle().await;
    cordon(&world, "dgx030", true);
    cordon(&world, "dgx032", true);
    lose_one(&world, "dgx030");
    settle().await;
    assert_eq!(world.nodes_of(JOB), Vec::<String>::new(), "one free node is not enough");
    cordon(&world, "dgx032", false);
    settle().await;
    assert_eq!(world.nodes_of(JOB), ["dgx031", "dgx032"]);
}

#[tokio::test(start_paused = true)]
async fn a_soft_taint_is_avoided_where_there_is_another_node() {
    let world = world();
    settle().await;
    let soft = json!([{"key": "podlift.io/to-come", "value": "r1", "effect": "PreferNoSchedule"}]);
    change(&world, "dgx031", |v| v["spec"]["taints"] = soft.clone());
    lose_one(&world, "dgx031");
    settle().await;
    assert_eq!(world.nodes_of(JOB), ["dgx030", "dgx032"]);
}

const KINDS: [(Scheduler, &str, &str); 4] = [
    (Scheduler::RunAi, "/apis/scheduling.run.ai/v2alpha2/podgroups", "PodGroup"),
    (Scheduler::Volcano, "/apis/scheduling.volcano.sh/v1beta1/podgroups", "PodGroup"),
    (Scheduler::Coscheduling, "/apis/scheduling.x-k8s.io/v1alpha1/podgroups", "PodGroup"),
    (Scheduler::Kueue, "/apis/kueue.x-k8s.io/v1beta1/workloads", "Workload"),
];

/// Of each scheduler: served with its definition only, over all namespaces, with the numbers that it keeps.
#[tokio::test(start_paused = true)]
async fn the_objects_of_gang_schedulers_are_served_where_they_are_defined() {
    let world = world();
    let client = world.kube_client();
    let get = async |path: &str| {
        let request = http::Request::get(path).body(vec![]).unwrap();
        client.request_text(request).await.map(|text| serde_json::from_str::<Value>(&text).unwrap())
    };
    for (scheduler, path, kind) in KINDS {
        let none = get(path).await.unwrap_err();
        assert!(matches!(&none, kube::Error::Api(e) if e.code == 404), "{path}: {none}");
        world.pod_group(scheduler, "runai", "pg-llm", 3, 4);
        world.pod_group(scheduler, "other", "pg-all", 4, 4);
        let list = get(path).await.unwrap();
        assert_eq!(list["kind"], format!("{kind}List"));
        let numbers = |v: &Value| {
            let spec = &v["spec"];
            let set = &spec["podSets"][0];
            (
                v["metadata"]["name"].clone(),
                spec["minMember"].clone(),
                set["minCount"].clone(),
                set["count"].clone(),
            )
        };
        let seen: Vec<_> = list["items"].as_array().unwrap().iter().map(numbers).collect();
        let want = match scheduler {
            Scheduler::Kueue => [("pg-all", None, None, Some(4)), ("pg-llm", None, Some(3), Some(4))],
            _ => [("pg-all", Some(4), None, None), ("pg-llm", Some(3), None, None)],
        };
        assert_eq!(seen, want.map(|(name, a, b, c)| (json!(name), json!(a), json!(b), json!(c))), "{path}");
        world.forget_pod_group(scheduler, "runai", "pg-llm");
        assert_eq!(get(path).await.unwrap()["items"].as_array().unwrap().len(), 1);
    }
}
