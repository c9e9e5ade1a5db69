//! A run that waits for an approval continues by `approve` alone, and the journal has who approved.

use crate::crash::small;
use crate::cut::Cut;
use crate::pod::{Pod, why};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_coordinator::Command;
use podlift_engine::machine::{Event, RunState, RunStatus};
use podlift_engine::program::Approve;
use std::sync::Arc;

/// Phases of an upgrade, at most.
const MANY: usize = 20;

fn waits(state: &RunState) -> bool {
    matches!(&state.status, RunStatus::Paused { reason } if reason.code == "approval")
}

async fn rest(pod: &Pod) -> Result<Arc<RunState>, String> {
    pod.rest().await.ok_or_else(|| "the run never rested".into())
}

pub async fn only_an_approval_approves(sabotage: Sabotage) -> Kept {
    let mut pod = Pod::new(small(), sabotage);
    pod.options.approve = Approve::Phase;
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = rest(&pod).await?;
    ensure(waits(&state), || why(&state))?;
    let before = state.steps.clone();
    // Refused or without effect: both are right.
    pod.say(sabotage.command(Command::Resume)).await.ok();
    let state = rest(&pod).await?;
    ensure(waits(&state), || format!("a resume approved: {}", why(&state)))?;
    ensure(state.steps == before, || "a resume let steps begin".into())?;
    let (mut approvals, mut state) = (0, state);
    while waits(&state) && approvals < MANY {
        pod.say(Command::Approve).await.map_err(|e| e.to_string())?;
        approvals += 1;
        state = rest(&pod).await?;
    }
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    let ann = |event: &Event| matches!(event, Event::Approved { by, .. } if by.contains("ann"));
    let recorded = pod.journal.records().iter().filter(|r| ann(&r.event)).count();
    ensure(recorded == approvals && approvals > 0, || {
        format!("{approvals} approvals, {recorded} in the journal")
    })
}
