//! BCM keeps a copy of kubeadm-config and writes it back when it sees another one.

use podlift_engine::machine::RunStatus;
use podlift_lab::{HEAD_NODE, What, World};
use podlift_tests::images::{Meanwhile, places, reasons, rollout};
use podlift_tests::pod::why;
use podlift_tests::rollout::Rollout;
use podlift_tests::{Kept, ensure, paused, press};
use std::sync::Arc;

fn writes_back(world: &Arc<World>) {
    assert!(world.bcm_writes_config(), "BCM's copy is the cluster's");
}

fn learned(world: &World) -> usize {
    places(world, HEAD_NODE, |w| matches!(w, What::ConfigLearned)).len()
}

/// BCM's copy is the cluster's, so there is nothing to write back.
fn agrees(rollout: &Rollout) -> Kept {
    let world = rollout.world();
    ensure(world.bcm_knows_config() && !world.bcm_writes_config(), || {
        "BCM keeps an old kubeadm-config".into()
    })
}

#[test]
fn bcm_learns_the_repaired_config_before_the_first_kubeadm() {
    let result = paused(async {
        let mut rollout = rollout(1);
        rollout.succeed().await?;
        let world = rollout.world();
        let applied = places(world, "runai-01", |w| matches!(w, What::KubeadmApply { .. }));
        let learned = places(world, HEAD_NODE, |w| matches!(w, What::ConfigLearned));
        ensure(learned.first() < applied.first() && !learned.is_empty(), || {
            format!("learned at {learned:?}, applied at {applied:?}")
        })?;
        agrees(&rollout)
    });
    assert_eq!(result, Ok(()));
}

/// Between the repair and the step that tells BCM of it: the repair is made again, and BCM is named as the writer.
#[test]
fn bcm_reverts_config() {
    let result = paused(async {
        let mut rollout = rollout(1);
        rollout.start_with(Some(Meanwhile { step: "repair-config", done: true, happens: writes_back }));
        let state = rollout.go().await?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        let why = reasons(&rollout.pod.journal.records()).join("\n");
        ensure(why.contains("kubeadm-config") && why.contains("BCM"), || {
            format!("nothing names BCM: {why}")
        })?;
        agrees(&rollout)
    });
    assert_eq!(result, Ok(()));
}

/// Without the script BCM can't be told. What it writes back is seen before kubeadm reads it, and the reason names it.
#[test]
fn bcm_reverts_config_where_it_can_not_be_told() {
    let result = paused(async {
        let mut rollout = rollout(1);
        rollout.world().bcm(|b| b.no_kubeadm_manage = true);
        let step = "runai-01/install-kubeadm";
        rollout.start_with(Some(Meanwhile { step, done: true, happens: writes_back }));
        let mut state = rollout.go().await?;
        if let RunStatus::Paused { reason } = &state.status {
            press::next(&rollout.pod, reason).await?;
            state = rollout.pod.rest().await.ok_or("the run never rested")?;
        }
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        ensure(learned(rollout.world()) == 0, || "the script is not there".into())?;
        let why = reasons(&rollout.pod.journal.records()).join("\n");
        ensure(why.contains("kubeadm-config") && why.contains("BCM"), || format!("nothing names BCM: {why}"))
    });
    assert_eq!(result, Ok(()));
}
