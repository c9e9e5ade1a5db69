//! One run that is struck once, somewhere, and then taken to its end. What must hold whatever was struck: the same final world as a run
//! that was never struck, one effect at most for each op id, and every op with an unknown outcome reported as such.

mod baseline;

pub use baseline::{Baseline, StepAt, baseline};

use crate::cut::{Cut, Side};
use crate::pod::{Pod, TO, Victim, why};
use crate::robbed::approve_all;
use crate::sabotage::Sabotage;
use crate::{Kept, ensure, press};
use podlift_coordinator::Command;
use podlift_engine::machine::{Event, RunState, RunStatus};
use podlift_engine::program::{APPROVAL, Limit, Rollout as Policy};
use podlift_lab::objects::Key;
use podlift_lab::world::audit;
use podlift_lab::{Shape, Snapshot};
use podlift_model::OpOutcome;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Where the blow falls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// At a record of the journal.
    Journal(u64, Side),
    /// Some seconds after a record: in the middle of whatever it began.
    During(u64),
    /// Right after a record, and the coordinator lives on unless it is the victim.
    Right(u64),
    /// At a line of an agent's ledger.
    Ledger(String, u64, Side),
}

#[derive(Debug, Clone)]
pub struct Strike {
    pub when: When,
    pub victim: Victim,
    pub memory_lost: bool,
}

/// Small, so that every position can be struck: one control-plane node, one worker.
pub fn small() -> Shape {
    Shape {
        control_planes: vec!["runai-01".into()],
        workers: vec!["dgx030".into()],
        inference: (2, 0),
        // So that kubelet-config is repaired and the worker has a patch.
        kubelet_settings: true,
        ..Shape::default()
    }
}

/// The same, with BCM that gives each node its disk from a software image, and with a job on the worker.
pub fn with_images() -> Pod {
    let pod = Pod::new(Shape { images: true, ..small() }, Sabotage::None);
    pod.world.train(JOB, &["dgx030"]);
    pod
}

/// The job of `gang` over two workers, and of `with_images` on one.
pub const JOB: &str = "llm";

/// The worker of `gang` that bears marks of others.
const MARKED: &str = "dgx033";

/// Two workers of one job, an idle one, and one that another person has cordoned, tainted, annotated and labelled: all of that stays.
pub fn gang() -> Pod {
    let workers = ["dgx030", "dgx031", "dgx032", MARKED];
    let shape =
        Shape { workers: workers.map(String::from).to_vec(), cordoned: vec![MARKED.into()], ..small() };
    let mut pod = Pod::new(shape, Sabotage::None);
    pod.options.batches = Some(Policy::default());
    (pod.options.soft_taint, pod.options.checkpoints) = (true, true);
    // The cordoned one counts as unavailable, and the two of the job go together.
    pod.max_unavailable = Some(Limit::Number(3));
    pod.world.train(JOB, &workers[1..3]);
    pod.world.update(|s| {
        s.api.change(&Key::node(MARKED), |v| {
            v["spec"]["taints"] =
                json!([{"key": "example.com/repair", "value": "fan", "effect": "NoSchedule"}]);
            v["metadata"]["annotations"]["example.com/ticket"] = json!("4711");
            v["metadata"]["labels"]["example.com/row"] = json!("b");
        })
    });
    pod
}

/// Longer than any machine of the World boots.
const BOOT: Duration = Duration::from_secs(180);
/// In the middle of an op that takes long; most take less or more.
const A_MOMENT: Duration = Duration::from_secs(4);

impl Strike {
    /// Runs, strikes, goes on to the end, judges. Ok(false): the run ended before the blow could fall.
    pub async fn judge(&self, mut pod: Pod, base: &Baseline) -> Result<bool, String> {
        let (mine, agents) = self.cuts();
        pod.start_coordinator(mine.clone());
        for node in pod.machines() {
            let cut = agents.iter().find(|(n, _)| *n == node).map_or_else(Cut::never, |(_, c)| c.clone());
            pod.start_agent(&node, cut);
        }
        if !self.until_the_blow(&pod, &mine, &agents).await {
            return Ok(false);
        }
        let open = open_ops(&pod);
        unintended(&pod).map_err(|e| format!("{self:?}: {e}"))?;
        pod.strike(self.victim, self.memory_lost).await;
        let state = to_the_end(&mut pod).await.map_err(|e| format!("{self:?}: {e}"))?;
        if matches!(self.victim, Victim::Power | Victim::Plane) {
            // A blow after the last record leaves machines that boot.
            tokio::time::sleep(BOOT).await;
        }
        self.verdict(&pod, &state, base, &open).map_err(|e| format!("{self:?}: {e}"))?;
        Ok(true)
    }

    fn cuts(&self) -> (Arc<Cut>, Vec<(String, Arc<Cut>)>) {
        match &self.when {
            When::Journal(number, side) => (Cut::at(*number, *side), vec![]),
            When::During(_) | When::Right(_) => (Cut::never(), vec![]),
            When::Ledger(node, number, side) => (Cut::never(), vec![(node.clone(), Cut::at(*number, *side))]),
        }
    }

    async fn until_the_blow(&self, pod: &Pod, mine: &Cut, agents: &[(String, Arc<Cut>)]) -> bool {
        let go = async {
            // A coordinator that dies early refuses; then there is nothing to wait for.
            if pod.start_run().await.is_ok() {
                approve_all(pod).await.ok();
            }
            mine.is_dead()
        };
        let record = async {
            match self.when {
                When::During(number) | When::Right(number) => {
                    let mut head = pod.coordinator().store().subscribe();
                    while *head.borrow_and_update() < number {
                        if head.changed().await.is_err() {
                            break;
                        }
                    }
                    if matches!(self.when, When::During(_)) {
                        tokio::time::sleep(A_MOMENT).await;
                    }
                }
                _ => std::future::pending().await,
            }
        };
        let line = async {
            match agents.first() {
                Some((_, cut)) => cut.fell().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = mine.fell() => true,
            () = line => true,
            () = record => true,
            hit = go => hit,
        }
    }

    fn verdict(&self, pod: &Pod, state: &RunState, base: &Baseline, open: &[String]) -> Kept {
        let (snapshot, books) = (pod.world.snapshot(), baseline::books(&pod.world));
        ensure(snapshot == base.snapshot, || differ(&base.snapshot, &snapshot))?;
        ensure(books == base.books, || format!("BCM's books are {books:#?}, expected {:#?}", base.books))?;
        let mut seen = audit::Audit::default();
        audit::units(&mut seen, &pod.world.effects());
        ensure(seen.ok(), || format!("an op id had two effects: {seen:?}"))?;
        if self.victim == Victim::Coordinator && !self.memory_lost {
            let all = pod.world.audit(TO);
            ensure(all.ok(), || format!("a coordinator that died made an agent do things twice: {all:?}"))?;
        }
        let unknown = pod.journal.records().iter().filter(|r| is_indeterminate(&r.event)).count();
        ensure(state.indeterminate.len() == unknown, || {
            format!("{unknown} ops are indeterminate, {} are shown", state.indeterminate.len())
        })?;
        if self.memory_lost {
            let silent: Vec<&String> = open
                .iter()
                .filter(|op| !state.indeterminate.iter().any(|(_, id, _)| id.as_str() == *op))
                .collect();
            ensure(silent.is_empty(), || format!("memory lost, and nothing said of {silent:?}"))?;
        }
        let torn = pod.world.interruptions(JOB);
        ensure(torn == base.torn, || format!("a job was interrupted {torn} times, expected {}", base.torn))?;
        let report = pod.coordinator().report(None).map_err(|e| e.to_string())?;
        ensure(report.indeterminate.len() == unknown, || "the report hides an indeterminate op".into())
    }
}

fn is_indeterminate(event: &Event) -> bool {
    matches!(event, Event::OpEnded { outcome: OpOutcome::Indeterminate { .. }, .. })
}

/// What has had an effect is in the journal as started.
fn unintended(pod: &Pod) -> Kept {
    let records = pod.journal.records();
    let intended = |op: &String| {
        records
            .iter()
            .any(|r| matches!(&r.event, Event::StepStarted { op_id, .. } if op.contains(op_id.as_str())))
    };
    let effects = pod.world.effects();
    let strange = effects.iter().find(|e| e.op.as_ref().is_some_and(|op| !intended(op)));
    ensure(strange.is_none(), || format!("this happened, and the journal knows nothing of it: {strange:?}"))
}

/// Host ops that the journal has as started and not as ended.
fn open_ops(pod: &Pod) -> Vec<String> {
    let mut open = vec![];
    for record in pod.journal.records() {
        match record.event {
            Event::StepStarted { op_id, ledger: Some(_), .. } => open.push(op_id.to_string()),
            Event::OpEnded { op_id, .. } => open.retain(|o| *o != op_id.as_str()),
            _ => {}
        }
    }
    open
}

/// What keeps a run from its rest: its status and the last records.
fn restless(pod: &Pod) -> String {
    let status = pod.state().map(|s| format!("{:?}", s.status)).unwrap_or_default();
    let records = pod.journal.records();
    let last = records.iter().rev().take(16).rev();
    let last: Vec<String> =
        last.map(|r| format!("{:?}", r.event).chars().take(300).collect::<String>()).collect();
    format!("{status}; at last {}", last.join(" / "))
}

/// As an operator who reads the one next command and does it.
async fn to_the_end(pod: &mut Pod) -> Result<Arc<RunState>, String> {
    const PAUSES: u32 = 10;
    let mut reasons = vec![];
    for _ in 0..PAUSES {
        if pod.coordinator().store().newest().is_none() {
            pod.start_run().await.map_err(|e| e.to_string())?;
        }
        let state = pod.rest().await.ok_or_else(|| format!("the run never rested: {}", restless(pod)))?;
        let RunStatus::Paused { reason } = &state.status else {
            return if state.status == RunStatus::Succeeded { Ok(state) } else { Err(why(&state)) };
        };
        ensure(!reason.message.is_empty() && reason.next.contains("podlift "), || {
            format!("a pause without a next command: {reason:?}")
        })?;
        reasons.push(format!("{} ({})", reason.message, reason.code));
        if reason.code == APPROVAL {
            press::next(pod, reason).await?;
            continue;
        }
        let failed = state.failed_steps().next().is_some();
        let command =
            if failed { Command::Retry { step: None, repair_dpkg: false } } else { Command::Resume };
        pod.say(command).await.map_err(|e| e.to_string())?;
    }
    Err(format!("paused {PAUSES} times: {}", reasons.join(" / ")))
}

fn differ(wanted: &Snapshot, got: &Snapshot) -> String {
    let lines = |s: &Snapshot| serde_json::to_string_pretty(s).unwrap_or_default();
    let (wanted, got) = (lines(wanted), lines(got));
    let different = wanted.lines().zip(got.lines()).filter(|(a, b)| a != b).take(8);
    let shown: Vec<String> = different.map(|(a, b)| format!("{} / {}", a.trim(), b.trim())).collect();
    format!("another final world: {}", shown.join("; "))
}
