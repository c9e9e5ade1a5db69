//! A worker whose GPUs did not all come back is not given back to the scheduler.

use crate::crash::small;
use crate::cut::Cut;
use crate::pod::{Pod, why};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_engine::machine::RunStatus;

const WORKER: &str = "dgx030";

pub async fn devices_are_back_before_a_node_works_again(sabotage: Sabotage) -> Kept {
    let mut pod = Pod::new(small(), sabotage);
    pod.options.wait_seconds = 120;
    pod.world.update(|s| s.node_mut(WORKER).lost_devices.insert("nvidia.com/gpu".into(), 1));
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the run never rested")?;
    let RunStatus::Paused { reason } = &state.status else {
        return Err(format!("{WORKER} has lost a GPU, and the run is {}", why(&state)));
    };
    let text = format!("{} {}", reason.message, reason.detail);
    ensure(text.contains("nvidia.com/gpu") && text.contains(WORKER), || why(&state))?;
    let snapshot = pod.world.snapshot();
    ensure(snapshot.nodes[WORKER].unschedulable, || format!("{WORKER} is schedulable with a GPU less"))
}
