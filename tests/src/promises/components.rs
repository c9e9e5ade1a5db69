//! kubeadm reports success over a scheduler that can't start, because it waits only for a changed hash and phase Running. The run looks at
//! all three components, and goes no further.

use crate::crash::small;
use crate::cut::Cut;
use crate::pod::{Pod, TO, why};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure, press};
use podlift_engine::machine::RunStatus;
use podlift_lab::{Fault, FaultAction};

const LAST_WORDS: &str = "couldn't create resource lock: permission denied";

pub async fn every_component_is_looked_at(sabotage: Sabotage) -> Kept {
    let mut pod = Pod::new(small(), sabotage);
    pod.options.wait_seconds = 120;
    let action = FaultAction::Fail { code: 1, stderr: LAST_WORDS.into() };
    pod.world.add_fault(Fault::new("container", &format!("kube-scheduler:{TO}"), action).times(1000));
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the run never rested")?;
    let RunStatus::Paused { reason } = &state.status else {
        return Err(format!("the scheduler does not start, and the run is {}", why(&state)));
    };
    let text = format!("{} {}", reason.message, reason.detail);
    ensure(text.contains("kube-scheduler") && text.contains(LAST_WORDS), || {
        format!("{text}: {}", why(&state))
    })?;
    pod.world.clear_faults();
    // The kubelet starts it again after its back-off.
    pod.world.until(|s| s.node("runai-01").container("kube-scheduler").is_some_and(|c| c.listening)).await;
    press::next(&pod, reason).await?;
    let state = pod.rest().await.ok_or("the run never rested again")?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))
}
