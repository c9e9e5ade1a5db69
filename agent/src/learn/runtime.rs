//! Answers of the container runtime, for a restore that waits for them. Runs beside the heal, whatever else is down.

use podlift_heal::{Heal, Runtime};
use podlift_host::Host;
use podlift_model::op::Component;
use podlift_tools::crictl;

/// Answers the heal's questions until it is dropped.
pub(crate) async fn answer_runtime(host: &Host, heal: &Heal) {
    loop {
        for component in heal.wants_runtime() {
            heal.runtime(component, crictl::runtime(host, component).await);
        }
        heal.runtime_wanted.notified().await;
    }
}

/// The error says that the component does not run with exactly this manifest, or that this can't be determined.
pub(super) async fn runs_exactly(
    host: &Host,
    heal: &Heal,
    component: Component,
    look: &podlift_heal::Look,
) -> Result<(), String> {
    match crictl::runtime(host, component).await {
        Runtime::Running(pod) => heal.runs_exactly(component, look, &pod),
        Runtime::NotRunning => Err(format!("no container of {component} runs")),
        Runtime::Unknown(why) => Err(format!("the container runtime does not say what runs: {why}")),
    }
}

#[cfg(test)]
#[path = "runtime_tests.rs"]
mod tests;
