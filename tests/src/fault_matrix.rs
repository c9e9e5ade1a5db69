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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// Longer than a run waits for anything here (a minute), so that it has to make something of it.
const LASTS: SignedDuration = SignedDuration::from_mins(2);

fn pod() -> Pod {
    let mut pod = Pod::new(small(), Sabotage::None);
    (pod.options.wait_seconds, pod.options.drain_seconds) = (60, 60);
    pod
}

/// Where a kind of step begins, and the verbs that the run without faults asks for from there on while a fault would last.
#[derive(Debug, Clone)]
pub struct Begin {
    pub step: String,
    /// The record at which its first one begins, from 1: its intent, or for a step that only looks the record before its end.
    pub record: u64,
    pub verbs: Vec<&'static str>,
    /// It acts on a host by an op of its agent, and asks the API only to look.
    pub by_agent: bool,
}

impl Begin {
    /// Whether this combination is among those that are always tried: all of the steps that act on the cluster or only look, and of the
    /// others every fifth one, so that each verb meets each answer.
    pub fn is_always_tried(&self, place: usize, verb: &str, answer: Answer) -> bool {
        let verb = VERBS.iter().position(|v| *v == verb).unwrap_or_default();
        !self.by_agent || (place + verb + answer as usize).is_multiple_of(5)
    }
}

/// Requests by verb, in the order of `VERBS`.
type Asked = Vec<u64>;

fn asked(world: &World) -> Asked {
    let all = world.traffic.of("podlift");
    let of =
        |verb: &&str| all.iter().filter(|(what, _)| what.starts_with(*verb)).map(|(_, c)| c.requests).sum();
    VERBS.iter().map(of).collect()
}

/// Every kind of step of a run.
pub async fn begins() -> Result<Vec<Begin>, String> {
    let mut pod = pod();
    let (world, counts) = (pod.world.clone(), Arc::new(Mutex::new(vec![])));
    let all = counts.clone();
    pod.start(Cut::seen_by(move |_| locked(&all).push(asked(&world))));
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the run never rested")?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    locked(&counts).push(asked(&pod.world));
    let (records, counts) = (pod.journal.records(), locked(&counts).clone());
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (i, record) in records.iter().enumerate() {
        if let Some((step, at)) = begin(record, i) {
            first.entry(step).or_insert(at);
        }
    }
    let begin = |(step, at): (String, usize)| {
        let end = records[at].at + LASTS;
        let last = records.iter().rposition(|r| r.at <= end).unwrap_or(at) + 1;
        let more = |i: &usize| counts[last][*i] > counts[at][*i];
        let verbs = (0..VERBS.len()).filter(more).map(|i| VERBS[i]).collect();
        let by_agent = matches!(&records[at].event, Event::StepStarted { ledger: Some(_), .. });
        Begin { step, record: at as u64 + 1, verbs, by_agent }
    };
    Ok(first.into_iter().map(begin).collect())
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The kind of step that begins there, and where.
fn begin(record: &Record, at: usize) -> Option<(String, usize)> {
    let verb = |step: &StepId| step.to_string().rsplit('/').next().unwrap_or_default().to_string();
    match &record.event {
        Event::StepStarted { step, .. } => Some((verb(step), at)),
        Event::StepDone { step, .. } => Some((verb(step), at.saturating_sub(1))),
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
    pod.start(Cut::seen_by(move |record| {
        if record == from {
            strike(&world, verb, answer);
        }
    }));
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
