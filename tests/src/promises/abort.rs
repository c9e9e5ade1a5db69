//! An abort puts back what is ours and safe to put back, and says what it left.

use crate::cut::Cut;
use crate::pod::{Pod, why};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_coordinator::Command;
use podlift_engine::machine::RunStatus;
use podlift_lab::Shape;

pub async fn an_abort_returns_cordons_holds_and_guards() -> Kept {
    // A budget that never allows: the run pauses with one worker cordoned.
    let mut pod = Pod::new(Shape { inference: (4, 4), ..Shape::default() }, Sabotage::None);
    pod.waivers = vec![("budgets".into(), "the run shall meet it".into())];
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the run never rested")?;
    ensure(matches!(state.status, RunStatus::Paused { .. }), || why(&state))?;
    pod.say(Command::Abort { reason: "enough for tonight".into() }).await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the abort never ended")?;
    let RunStatus::Aborted { undone, left } = &state.status else { return Err(why(&state)) };
    ensure(undone.iter().any(|u| u.contains("uncordon") || u.contains("cordon")), || {
        format!("undone: {undone:?}")
    })?;
    ensure(!left.is_empty(), || "nothing is said of what was left".into())?;
    for (name, node) in &pod.world.snapshot().nodes {
        ensure(!node.unschedulable && node.owned.is_empty(), || {
            format!("{name} is still cordoned: {:?}", node.owned)
        })?;
        ensure(node.held.len() >= 3, || format!("{name}: held {:?}", node.held))?;
    }
    let armed = pod.coordinator().status(None).map_err(|e| e.to_string())?;
    ensure(armed.nodes.iter().all(|n| n.guard != "armed"), || "a guard is still armed".into())?;
    let again = pod.start_run().await;
    ensure(again.is_ok(), || format!("no new run after an abort: {:?}", again.err().map(|e| e.to_string())))
}
