//! Another controller takes a worker's cordon over while podlift works there: that lane stops, and the fleet goes on.

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::Request;
use podlift_coordinator::Command;
use podlift_engine::machine::{Event, RunStatus};
use podlift_lab::World;
use podlift_lab::api::{Caller, handle};
use podlift_lab::objects::Key;
use podlift_tests::pod::why;
use podlift_tests::rollout::{Rollout, worker};
use podlift_tests::{ensure, paused};
use serde_json::{Value, json};
use std::sync::Arc;

const KURED: &str = "weave.works/kured-reboot-in-progress";

/// As kured does it: its own mark, the node cordoned, and the annotations of podlift gone with the object that it had read.
fn take_over(v: &mut Value) {
    v["spec"]["unschedulable"] = json!(true);
    if let Some(all) = v["metadata"]["annotations"].as_object_mut() {
        all.retain(|key, _| !key.starts_with("podlift.io/"));
        all.insert(KURED.into(), json!("2025-10-20T15:00:00Z"));
    }
}

fn let_go(v: &mut Value) {
    if let Some(spec) = v["spec"].as_object_mut() {
        spec.remove("unschedulable");
    }
    if let Some(all) = v["metadata"]["annotations"].as_object_mut() {
        all.remove(KURED);
    }
}

/// A PATCH of the node as kured writes it, answered at once.
fn patch(world: &Arc<World>, node: &str, body: &Value) {
    let request = Request::builder()
        .method("PATCH")
        .uri(format!("/api/v1/nodes/{node}?fieldManager=kured"))
        .header("content-type", "application/merge-patch+json")
        .body(Bytes::from(body.to_string()))
        .unwrap_or_else(|e| panic!("a request: {e}"));
    let caller = Caller(Some("kured".into()));
    let answer = handle(world, &world.shape.control_planes[0], &caller, request).now_or_never();
    let status = answer.and_then(Result::ok).map(|reply| reply.status().as_u16());
    assert_eq!(status, Some(200), "PATCH of {node}");
}

fn cordon(world: &Arc<World>, node: &str, is: bool) {
    let wanted = if is { json!(true) } else { Value::Null };
    patch(world, node, &json!({"spec": {"unschedulable": wanted}}));
}

/// One that writes its whole object.
#[test]
fn foreign_cordon_mid_way() {
    let change = |world: &Arc<World>, node: &str, change: fn(&mut Value)| {
        world.update(|s| s.api.change(&Key::node(node), change));
    };
    let result = paused(taken_mid_way(
        move |world, node| change(world, node, take_over),
        move |world, node| change(world, node, let_go),
    ));
    assert_eq!(result, Ok(()));
}

/// One that leaves podlift's annotations as they are, and no mark but the field's manager: it has uncordoned the node, and cordons it again.
#[test]
fn a_cordon_of_another_manager_is_not_podlifts() {
    let result = paused(taken_mid_way(
        |world, node| {
            cordon(world, node, false);
            cordon(world, node, true);
            let s = world.lock();
            let v = s.api.get(&Key::node(node)).cloned().unwrap_or_default();
            let marks = v["metadata"]["annotations"].as_object().into_iter().flatten();
            let ours = marks.filter(|(key, _)| key.starts_with("podlift.io/")).count();
            assert!(ours > 0, "podlift's annotations are gone: {v}");
        },
        |world, node| cordon(world, node, false),
    ));
    assert_eq!(result, Ok(()));
}

/// `take` happens when the node has podlift's cordon, and `free` before the operator retries.
async fn taken_mid_way(
    take: impl Fn(&Arc<World>, &str) + Send + 'static,
    free: impl Fn(&Arc<World>, &str),
) -> Result<(), String> {
    let mut rollout = Rollout::new(6, json!({"max-unavailable": "2"}));
    let (world, journal, victim) = (rollout.world().clone(), rollout.pod.journal.clone(), worker(3));
    let (node, mut open) = (victim.clone(), true);
    rollout.start(move |_| {
        let cordon = format!("{node}/cordon");
        let begun = |e: &Event| matches!(e, Event::StepDone { step, .. } if step.as_str().ends_with(&cordon));
        if open && journal.records().iter().any(|r| begun(&r.event)) {
            open = false;
            take(&world, &node);
        }
    });
    let state = rollout.go().await?;
    let RunStatus::Paused { reason } = &state.status else { return Err(why(&state)) };
    let text = format!("{} {}", reason.message, reason.detail);
    ensure(text.contains(&victim) && text.contains("kured"), || why(&state))?;
    let others = (0..6).map(worker).filter(|n| *n != victim);
    let snapshot = rollout.world().snapshot();
    for node in others {
        let n = &snapshot.nodes[&node];
        ensure(n.kubelet.as_deref() == Some("v1.32.9") && !n.unschedulable, || {
            format!("{node} did not go on: {n:?}")
        })?;
    }
    let n = &snapshot.nodes[&victim];
    ensure(n.unschedulable && n.kubelet.as_deref() == Some("v1.31.9"), || {
        format!("{victim} was touched: {n:?}")
    })?;
    free(rollout.world(), &victim);
    rollout.pod.say(Command::Retry { step: None, repair_dpkg: false }).await.map_err(|e| e.to_string())?;
    let state = rollout.pod.rest().await.ok_or("the run never rested")?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    rollout.left_nothing()
}
