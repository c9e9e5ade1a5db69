//! Cordons that are not ours stay, and a drain that can't end pauses the run with the pods and budgets named.

use crate::cut::Cut;
use crate::pod::{Pod, why};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_engine::machine::RunStatus;
use podlift_lab::{Shape, What};

/// A worker that an administrator cordoned before the run is upgraded, and is cordoned afterwards as before.
pub async fn a_foreign_cordon_stays(sabotage: Sabotage) -> Kept {
    let mut pod = Pod::new(Shape { cordoned: vec!["dgx031".into()], ..Shape::default() }, sabotage);
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the run never rested")?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    let snapshot = pod.world.snapshot();
    let node = &snapshot.nodes["dgx031"];
    ensure(node.kubelet.as_deref() == Some("v1.32.9"), || {
        format!("dgx031 was not upgraded: {:?}", node.kubelet)
    })?;
    ensure(node.unschedulable, || "the cordon of another owner was taken away".into())?;
    let others = snapshot.nodes.iter().filter(|(name, n)| n.unschedulable && *name != "dgx031").count();
    ensure(others == 0, || format!("{others} nodes were left cordoned"))
}

/// A budget that never allows an eviction: the run pauses, the node is not touched further, the cordon stays ours.
pub async fn a_blocked_drain_pauses(sabotage: Sabotage) -> Kept {
    let mut pod = Pod::new(Shape { inference: (4, 4), ..Shape::default() }, sabotage);
    pod.start(Cut::never());
    let foretold = pod.start_run().await.err().map(|e| e.to_string()).unwrap_or_default();
    ensure(foretold.contains("preflight blocks"), || format!("a plan that does not see it: {foretold}"))?;
    pod.waivers = vec![("budgets".into(), "its owners relax it while the run goes on".into())];
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the run never rested")?;
    let RunStatus::Paused { reason } = &state.status else {
        return Err(format!("expected a pause: {}", why(&state)));
    };
    ensure(reason.code == "drain-blocked", || why(&state))?;
    ensure(reason.message.contains("inference") && reason.message.contains("budget"), || why(&state))?;
    ensure(reason.next.contains("podlift retry"), || why(&state))?;
    let snapshot = pod.world.snapshot();
    let cordoned: Vec<&String> =
        snapshot.nodes.iter().filter(|(_, n)| n.unschedulable).map(|(name, _)| name).collect();
    ensure(cordoned.len() == 1, || format!("cordoned: {cordoned:?}"))?;
    let restarted =
        |e: &podlift_lab::Effect| e.node == *cordoned[0] && matches!(e.what, What::KubeletRestart { .. });
    ensure(!pod.world.effects().iter().any(restarted), || {
        "a kubelet was restarted on a node that was not drained".into()
    })
}
