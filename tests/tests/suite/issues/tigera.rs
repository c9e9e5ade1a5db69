//! Tigera's operator beside the Calico of BCM.

use super::reported;
use podlift_engine::issues::IssueName;
use podlift_engine::program::Item;
use podlift_lab::World;
use podlift_tests::robbed::{asked, run, runbook, succeeds};
use podlift_tests::{ensure, paused, press};
use std::collections::BTreeSet;
use std::time::Duration;

/// Names of the pods of Calico's controllers in the next two minutes.
async fn controllers(world: &World) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for _ in 0..120 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let s = world.lock();
        let mine =
            s.api.pods_in("kube-system").filter(|(k, _)| k.name.starts_with("calico-kube-controllers"));
        seen.extend(mine.map(|(k, _)| k.name.clone()));
    }
    seen
}

#[test]
fn the_operator_is_removed_only_after_a_person_said_so_and_calico_is_at_rest_afterwards() {
    let result = paused(async {
        let mut pod = runbook();
        pod.world.install_tigera();
        let state = run(&mut pod).await?;
        let reason = asked(&state, Item::TigeraRemoval)?;
        ensure(pod.world.has_tigera(), || "it was removed without a word".into())?;
        press::next(&pod, &reason).await?;
        succeeds(&pod).await?;
        ensure(!pod.world.has_tigera(), || "the operator is still there".into())?;
        let installations = pod.world.lock().api.of("operator.tigera.io", "installations").count();
        ensure(installations == 0, || format!("{installations} Installation objects are left"))?;
        let seen = controllers(&pod.world).await;
        ensure(seen.len() == 1, || format!("Calico's controllers still come and go: {seen:?}"))?;
        reported(&pod, IssueName::CalicoOperator, "deployment tigera-operator/tigera-operator")
    });
    assert_eq!(result, Ok(()));
}
