//! BCM writes a node whole instead of updating it: no list protects anything then, the agent's memory and the node's own identity are gone.

use podlift_coordinator::Command;
use podlift_engine::machine::RunStatus;
use podlift_lab::{What, World};
use podlift_tests::images::{Meanwhile, NEW, all_at, packages, rollout, synced};
use podlift_tests::pod::{name, why};
use podlift_tests::rollout::worker;
use podlift_tests::{ensure, paused, press};
use std::sync::Arc;
use std::time::Duration;

const NODE: &str = "dgx030";
const IDENTITY: &str = "/etc/kubernetes/kubelet.conf";

fn full(world: &Arc<World>) {
    world.bcm(|b| b.full = [NODE.to_string()].into());
}

fn is_whole(what: &What) -> bool {
    matches!(what, What::Synced { mode, .. } if mode == "FULL")
}

fn written_whole(world: &World) -> bool {
    world.effects().iter().any(|e| e.node == NODE && is_whole(&e.what))
}

/// The dry run says so, and nothing is written.
#[test]
fn a_dry_run_that_is_full_stops_the_lane_before_the_write() {
    let result = paused(async {
        let mut rollout = rollout(1);
        full(rollout.world());
        let state = rollout.run().await?;
        let RunStatus::Paused { reason } = &state.status else { return Err(why(&state)) };
        let text = format!("{} {}", reason.message, reason.detail);
        ensure(reason.code == "sync-full" && text.contains(NODE) && text.contains("FULL"), || why(&state))?;
        ensure(
            synced(rollout.world(), NODE).is_empty() && rollout.world().disk(NODE).exists(IDENTITY),
            || format!("{NODE} was written: {}", why(&state)),
        )?;
        rollout.world().bcm(|b| b.full.clear());
        press::next(&rollout.pod, reason).await?;
        let state = rollout.pod.rest().await.ok_or("the run never rested")?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        rollout.left_nothing()
    });
    assert_eq!(result, Ok(()));
}

/// Between the dry run and the write the node's disk was found broken. The node boots without its agent's memory: the run says so, touches
/// nothing more there, and without that node it succeeds.
#[test]
fn amnesia_full_sync() {
    let result = paused(async {
        let mut rollout = rollout(2);
        rollout.start_with(Some(Meanwhile { step: "dgx030/sync", done: false, happens: full }));
        rollout.pod.start_run().await.map_err(|e| e.to_string())?;
        let world = rollout.world().clone();
        let whole = world.until(|s| s.effects.iter().any(|e| is_whole(&e.what)));
        let whole = tokio::time::timeout(Duration::from_secs(24 * 3600), whole).await;
        whole.map_err(|_| {
            format!("{NODE} was never written whole: {:?}", rollout.pod.state().map(|s| why(&s)))
        })?;
        ensure(written_whole(&world), || "another node was written whole".into())?;
        ensure(!world.disk(NODE).exists(IDENTITY), || format!("a FULL sync has spared {IDENTITY}"))?;
        rollout.pod.reboot(NODE).await;
        let mut state = rollout.pod.rest().await.ok_or("the run never rested")?;
        let mut said = vec![];
        for _ in 0..3 {
            let RunStatus::Paused { reason } = &state.status else { break };
            said.push(format!("{} ({}); next: {}", reason.message, reason.code, reason.next));
            ensure(format!("{} {}", reason.message, reason.detail).contains(NODE), || why(&state))?;
            press::next(&rollout.pod, reason).await?;
            state = rollout.pod.rest().await.ok_or("the run never rested")?;
        }
        println!("{}", said.join("\n"));
        ensure(!said.is_empty(), || {
            format!("a node without its kubelet.conf stopped nothing: {}", why(&state))
        })?;
        if state.status != RunStatus::Succeeded {
            let defer =
                Command::Defer { node: name(NODE), reason: "it has to join again".into(), until: None };
            rollout.pod.say(defer).await.map_err(|e| e.to_string())?;
            rollout.pod.say(Command::Resume).await.ok();
            state = rollout.pod.rest().await.ok_or("the run never rested")?;
        }
        ensure(state.status == RunStatus::Succeeded, || format!("{}; before: {said:?}", why(&state)))?;
        let other = packages(rollout.world(), &worker(1));
        ensure(other == all_at(NEW), || format!("{} has {other:?}", worker(1)))
    });
    assert_eq!(result, Ok(()));
}
