//! The sign-off of a run counts what was done: a node that was left out is named in a line that is not passed.

use crate::cut::Cut;
use crate::pod::{Pod, name, why};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_coordinator::Command;
use podlift_engine::machine::RunStatus;
use podlift_lab::{Fault, FaultAction, Shape};

const LEFT_OUT: &str = "dgx031";

pub async fn skipped_is_not_passed(sabotage: Sabotage) -> Kept {
    let mut pod = Pod::new(Shape::default(), sabotage);
    pod.options.wait_seconds = 120;
    let action = FaultAction::Fail { code: 1, stderr: "the mainboard is broken".into() };
    pod.world.add_fault(Fault::new("kubeadm", "upgrade node", action).on(LEFT_OUT).times(1000));
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the run never rested")?;
    ensure(matches!(state.status, RunStatus::Paused { .. }), || why(&state))?;
    let defer = Command::Defer { node: name(LEFT_OUT), reason: "mainboard".into(), until: None };
    pod.say(defer).await.map_err(|e| e.to_string())?;
    // The deferral may have been the last thing that the run waited for.
    pod.say(Command::Resume).await.ok();
    let state = pod.rest().await.ok_or("the run never rested again")?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    let report = pod.coordinator().report(None).map_err(|e| e.to_string())?;
    let lines = sabotage.sign_off(report.checks);
    let named = lines.iter().any(|c| c.result != "passed" && c.evidence.contains(LEFT_OUT));
    ensure(named, || format!("no open line of the sign-off names {LEFT_OUT}: {lines:?}"))
}
