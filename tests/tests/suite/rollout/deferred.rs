//! A worker that is deferred until a date: runs leave it out until then, and `--resume-deferred` takes it up.

use jiff::SignedDuration;
use podlift_coordinator::{Command, PlanAsk};
use podlift_engine::machine::RunStatus;
use podlift_tests::pod::{TO, name, why};
use podlift_tests::rollout::{Rollout, worker};
use podlift_tests::{ensure, paused};
use serde_json::json;
use std::time::Duration;

fn kubelet(rollout: &Rollout, node: &str) -> Option<String> {
    rollout.world().snapshot().nodes[node].kubelet.clone()
}

#[test]
fn deferred() {
    let result = paused(async {
        let mut rollout = Rollout::new(4, json!({"max-unavailable": "1"}));
        rollout.start(|_| {});
        rollout.pod.start_run().await.map_err(|e| e.to_string())?;
        let node = worker(2);
        let until = rollout.world().clock.now() + SignedDuration::from_hours(6);
        let defer =
            Command::Defer { node: name(&node), reason: "a training ends".into(), until: Some(until) };
        rollout.pod.say(defer).await.map_err(|e| e.to_string())?;
        let state = rollout.pod.rest().await.ok_or("the run never rested")?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        rollout.left_nothing()?;
        ensure(kubelet(&rollout, &node).as_deref() == Some("v1.31.9"), || format!("{node} was upgraded"))?;
        let ask = PlanAsk { resume_deferred: true, ..PlanAsk::to(TO) };
        let coordinator = rollout.pod.coordinator();
        let early = format!("{:?}", coordinator.start_run(&ask, None, "ann").await.err());
        ensure(early.contains(&node), || format!("before the date: {early:?}"))?;
        while rollout.world().clock.now() < until {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        let started = coordinator.start_run(&ask, None, "ann").await;
        started.map_err(|e| e.to_string())?;
        let state = rollout.pod.rest().await.ok_or("the second run never rested")?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        ensure(kubelet(&rollout, &node).as_deref() == Some("v1.32.9"), || {
            format!("{node} was not taken up")
        })?;
        rollout.left_nothing()
    });
    assert_eq!(result, Ok(()));
}
