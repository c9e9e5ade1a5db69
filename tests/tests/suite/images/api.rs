//! The way through the images where the head's agent uses CMDaemon's JSON API.

use podlift_engine::machine::RunStatus;
use podlift_lab::Shape;
use podlift_tests::images::{NEW, all_at, packages, synced};
use podlift_tests::pod::{TO, why};
use podlift_tests::rollout::{Rollout, shape, worker};
use podlift_tests::{ensure, paused, press};
use serde_json::json;

fn with_api(workers: usize) -> Rollout {
    let shape = Shape { images: true, bcm_api: true, empty_endpoints: true, ..shape(workers) };
    Rollout::of(shape, json!({"max-unavailable": "2"}))
}

/// The nodes are written by requests of the API, which imageupdate of cmsh would show by its log of a command.
#[test]
fn image_path_by_the_api() {
    let result = paused(async {
        let mut rollout = with_api(2);
        // cmsh knows no imageupdate any more.
        rollout.world().cmsh_lies(
            "imageupdate",
            podlift_lab::world::bcm::Lie::Refuses("not here".into()),
            1000,
        );
        rollout.world().bcm(|b| b.failing_attempts = [(worker(0), 2)].into());
        rollout.succeed().await?;
        for node in (0..2).map(worker) {
            let there = packages(rollout.world(), &node);
            ensure(there == all_at(NEW), || format!("{node} has {there:?}"))?;
            ensure(synced(rollout.world(), &node).len() == 1, || {
                format!("{:?}", synced(rollout.world(), &node))
            })?;
        }
        let audit = rollout.world().audit(TO);
        ensure(audit.ok(), || format!("{audit:?}"))
    });
    assert_eq!(result, Ok(()));
}

/// A certificate whose profile lacks the call: the run pauses with CMDaemon's code, and goes on when the profile has it.
#[test]
fn a_restricted_call_pauses_with_its_code() {
    let result = paused(async {
        let mut rollout = with_api(1);
        rollout.world().bcm(|b| b.restricted = ["cmprov.imageUpdate".to_string()].into());
        let state = rollout.run().await?;
        let RunStatus::Paused { reason } = &state.status else { return Err(why(&state)) };
        let text = format!("{} {}", reason.message, reason.detail);
        ensure(text.contains("640") && text.contains("cmprov.imageUpdate"), || why(&state))?;
        rollout.world().bcm(|b| b.restricted.clear());
        press::next(&rollout.pod, reason).await?;
        let state = rollout.pod.rest().await.ok_or("the run never rested")?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        rollout.left_nothing()
    });
    assert_eq!(result, Ok(()));
}
