//! A first worker that fails stops the run within its budget, and nothing else is touched.

use podlift_engine::machine::RunStatus;
use podlift_lab::{Fault, FaultAction, What};
use podlift_tests::pod::why;
use podlift_tests::rollout::{Rollout, names, of_workers, worker};
use podlift_tests::{ensure, paused, press};
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn canary_fails() {
    let result = paused(async {
        let mut rollout = Rollout::new(6, json!({"max-unavailable": "3"}));
        let broken = FaultAction::Fail {
            code: 100,
            stderr: "E: Sub-process /usr/bin/dpkg returned an error code (1)".into(),
        };
        (0..6).map(worker).for_each(|node| {
            let fault = Fault::new("apt-get", "install kubelet=1.32.9", broken.clone());
            rollout.world().add_fault(fault.on(&node).times(1000));
        });
        rollout.start(|_| {});
        let state = rollout.go().await?;
        let RunStatus::Paused { reason } = &state.status else { return Err(why(&state)) };
        let chosen: BTreeSet<&str> = of_workers(&state).flat_map(names).collect();
        ensure(chosen.len() == 1, || format!("chosen: {chosen:?}"))?;
        let first = chosen.first().copied().unwrap_or_default().to_string();
        ensure(reason.message.contains(&first), || why(&state))?;
        rollout.used(1)?;
        let touched = |w: &What| {
            matches!(w, What::PackageInstall { .. } | What::KubeletRestart { .. } | What::Eviction { .. })
        };
        let effects = rollout.world().effects();
        let other = effects.iter().find(|e| e.node.starts_with("dgx") && e.node != first && touched(&e.what));
        ensure(other.is_none(), || format!("another worker was touched: {other:?}"))?;
        rollout.world().clear_faults();
        press::next(&rollout.pod, reason).await?;
        let state = rollout.pod.rest().await.ok_or("the run never rested")?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        rollout.left_nothing()
    });
    assert_eq!(result, Ok(()));
}
