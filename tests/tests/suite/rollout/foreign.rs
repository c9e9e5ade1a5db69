//! Another controller takes a worker's cordon over while podlift works there: that lane stops, and the fleet goes on.

use podlift_coordinator::Command;
use podlift_engine::machine::{Event, RunStatus};
use podlift_lab::objects::Key;
use podlift_tests::pod::why;
use podlift_tests::rollout::{Rollout, worker};
use podlift_tests::{ensure, paused};
use serde_json::{Value, json};

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

#[test]
fn foreign_cordon_mid_way() {
    let result = paused(async {
        let mut rollout = Rollout::new(6, json!({"max-unavailable": "2"}));
        let (world, journal, victim) = (rollout.world().clone(), rollout.pod.journal.clone(), worker(3));
        let (node, mut open) = (victim.clone(), true);
        rollout.start(move |_| {
            let cordon = format!("{node}/cordon");
            let begun =
                |e: &Event| matches!(e, Event::StepDone { step, .. } if step.as_str().ends_with(&cordon));
            if open && journal.records().iter().any(|r| begun(&r.event)) {
                open = false;
                world.update(|s| s.api.change(&Key::node(&node), take_over));
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
        rollout.world().update(|s| s.api.change(&Key::node(&victim), let_go));
        rollout
            .pod
            .say(Command::Retry { step: None, repair_dpkg: false })
            .await
            .map_err(|e| e.to_string())?;
        let state = rollout.pod.rest().await.ok_or("the run never rested")?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        rollout.left_nothing()
    });
    assert_eq!(result, Ok(()));
}
