//! Each verb of the API fails in each way from the first moment of each kind of step on, for minutes. Whatever a run makes of it, it rests in
//! a state from which the command that it prints goes on to its end.

use crate::crash::small;
use crate::cut::Cut;
use crate::pod::{Pod, why};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure, press};
use jiff::SignedDuration;
use podlift_engine::machine::{Event, Record, RunStatus};
use podlift_lab::{ApiFault, Fault, FaultAction, World};
use podlift_model::StepId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// As `Fault::contains` has them.
pub const VERBS: &[&str] = &["list ", "get ", "watch ", "evict ", "patch "];

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Busy,
    Internal,
    Unavailable,
    Timeout,
    Reset,
}

impl Answer {
    fn action(self) -> FaultAction {
        let fail = |code, text: &str| FaultAction::Fail { code, stderr: text.into() };
        match self {
            Self::Busy => FaultAction::Api(ApiFault::Busy { retry_after: 1 }),
            Self::Internal => fail(500, "etcdserver: request timed out"),
            Self::Unavailable => fail(503, "the server is currently unable to handle the request"),
            Self::Timeout => FaultAction::Hang,
            Self::Reset => FaultAction::Api(ApiFault::Reset),
        }
    }
}

/// Longer than a run waits for anything here (two minutes), so that it has to make something of it.
const LASTS: SignedDuration = SignedDuration::from_mins(5);

fn pod() -> Pod {
    let mut pod = Pod::new(small(), Sabotage::None);
    (pod.options.wait_seconds, pod.options.drain_seconds) = (120, 120);
    pod
}

/// Each kind of step, and the record at which its first one begins: its intent, or for a step that only looks the record before its end.
pub async fn begins() -> Result<Vec<(String, u64)>, String> {
    let mut pod = pod();
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the run never rested")?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    let mut first: BTreeMap<String, u64> = BTreeMap::new();
    for (i, record) in pod.journal.records().iter().enumerate() {
        if let Some((verb, at)) = begin(record, i as u64 + 1) {
            first.entry(verb).or_insert(at);
        }
    }
    Ok(first.into_iter().collect())
}

/// `number` counts from 1.
fn begin(record: &Record, number: u64) -> Option<(String, u64)> {
    let verb = |step: &StepId| step.to_string().rsplit('/').next().unwrap_or_default().to_string();
    match &record.event {
        Event::StepStarted { step, .. } => Some((verb(step), number)),
        Event::StepDone { step, .. } => Some((verb(step), number - 1)),
        _ => None,
    }
}

/// What came of one combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// No request was hit.
    Untouched,
    /// The run went on to its end by itself.
    Through,
    /// It paused, and the printed command took it to its end.
    Pressed,
}

/// One run with one fault from one record on.
pub async fn one(verb: &'static str, answer: Answer, from: u64) -> Result<Came, String> {
    let mut pod = pod();
    let world = pod.world.clone();
    pod.start(Cut::then(from, move || strike(&world, verb, answer)));
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the run never rested")?;
    let hit = pod.world.faults_taken() > 0;
    match &state.status {
        RunStatus::Succeeded if hit => return Ok(Came::Through),
        RunStatus::Succeeded => return Ok(Came::Untouched),
        RunStatus::Paused { .. } => {}
        _ => return Err(why(&state)),
    }
    press_once(&pod).await.map(|()| Came::Pressed)
}

fn strike(world: &Arc<World>, verb: &'static str, answer: Answer) {
    let end = world.clock.now() + LASTS;
    world.add_fault(Fault::new("api", verb, answer.action()).until(end));
}

/// The trouble is over; the operator types what the pause prints.
async fn press_once(pod: &Pod) -> Kept {
    pod.world.clear_faults();
    let state = pod.state().ok_or("there is no run")?;
    let RunStatus::Paused { reason } = &state.status else { return Err(why(&state)) };
    let printed = why(&state);
    press::next(pod, reason).await.map_err(|e| format!("{printed}: {e}"))?;
    let state = pod.rest().await.ok_or_else(|| format!("{printed}: pressed, and the run never rested"))?;
    ensure(state.status == RunStatus::Succeeded, || format!("{printed}: pressed, and it is {}", why(&state)))
}
