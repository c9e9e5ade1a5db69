//! A training job of the lab is as unkind as a real one: it ends as a whole, and starts only where all of its pods fit.
#![allow(clippy::unwrap_used)] // a test may panic

use podlift_lab::objects::Key;
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
