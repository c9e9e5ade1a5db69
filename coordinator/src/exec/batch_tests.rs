//! Batches of workers in runs over the small fleet, on a paused clock: what they interrupt, what they survive, and what they leave.

use crate::core::{Command, PlanAsk};
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, Running, name, options, records, start_with};
use jiff::Timestamp;
use podlift_engine::machine::{ChosenBatch, Event, RunState, RunStatus};
use podlift_engine::program::PlanOptions;
use podlift_engine::survey::GangView;
use podlift_model::{Failure, NodeName, RunId};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// A job on four of twelve workers, no two of them neighbours.
const GANG: [&str; 4] = ["dgx032", "dgx034", "dgx037", "dgx040"];

fn batched(rollout: Value) -> PlanOptions {
    let batches = serde_json::from_value(rollout).unwrap();
    PlanOptions { batches: Some(batches), soft_taint: true, max_unavailable: 4, ..options() }
}

fn gang(fleet: &Fleet) {
    fleet.lock().work.begin("llm", GANG.map(name));
}

fn succeeded(s: &RunState) -> bool {
    s.status == RunStatus::Succeeded
}

async fn say(r: &Running, command: Command) -> String {
    r.coordinator.command(None, command, "eve").await.unwrap()
}

/// Batches of the phase of workers.
fn of_workers(state: &RunState) -> Vec<&ChosenBatch> {
    state.batches.iter().filter(|batch| batch.phase == "workers").collect()
}

/// The worker that goes first.
fn canary(state: &RunState) -> &NodeName {
    let batch = state.batches.iter().find(|batch| batch.phase == "canary");
    &batch.unwrap().nodes[0]
}

fn tainted(fleet: &Fleet) -> BTreeSet<NodeName> {
    let state = fleet.lock();
    state.views.values().filter(|v| v.soft_taint.is_some()).map(|v| v.name.clone()).collect()
}

/// When the first op of this verb on a worker was started.
fn first(r: &Running, verb: &str) -> Timestamp {
    let started = records(r.coordinator.store(), 0).into_iter().find(|record| match &record.event {
        Event::StepStarted { step, .. } => step.as_str().contains("dgx") && step.as_str().ends_with(verb),
        _ => false,
    });
    started.unwrap().at
}

#[tokio::test(start_paused = true)]
async fn a_job_on_four_of_twelve_workers_is_interrupted_once() {
    let (fleet, journal) = (Fleet::with_workers(12), MemoryJournal::new());
    gang(&fleet);
    let r = start_with(&fleet, &journal, "one", batched(json!({})));
    let run = r.upgrade().await;
    let state = r.until(&run, succeeded).await;
    assert_eq!(fleet.lock().work.ended("llm"), 1);
    let batches = of_workers(&state);
    let hit: Vec<_> = batches.iter().filter(|batch| !batch.interrupts.is_empty()).collect();
    let [only] = hit.as_slice() else { panic!("{hit:#?}") };
    let nodes: BTreeSet<NodeName> = only.nodes.iter().cloned().collect();
    assert_eq!(nodes, GANG.map(name).into_iter().collect(), "all nodes of the job go together");
    assert_eq!(only.number, state.batches.len() as u32, "idle nodes go first");
    assert_eq!(only.gpu_seconds / (32 * 3600), 24, "32 GPUs for a day");
    assert_eq!(fleet.count("drain"), 1, "the job has ended on all its nodes with the first eviction");
}

/// Workers that a run leaves out because of a job on more of them than may go together.
async fn left_out(gangs: Vec<GangView>) -> usize {
    // Four are a tenth of them, so that the run does not ask.
    let (fleet, journal) = (Fleet::with_workers(40), MemoryJournal::new());
    gang(&fleet);
    fleet.lock().gangs = gangs;
    let policy = batched(json!({"gangs": {"too-large": "skip"}}));
    let r = start_with(&fleet, &journal, "one", PlanOptions { max_unavailable: 2, ..policy });
    let run = r.upgrade().await;
    r.until(&run, succeeded).await.deferred.len()
}

#[tokio::test(start_paused = true)]
async fn what_the_object_of_a_gang_declares_decides_whether_its_nodes_go_together() {
    let declared = |min_member| vec![GangView { id: "lab/PyTorchJob/llm".into(), min_member, pods: None }];
    assert_eq!(left_out(vec![]).await, 4, "a gang without an object needs all its pods");
    assert_eq!(left_out(declared(Some(4))).await, 4);
    assert_eq!(left_out(declared(Some(1))).await, 0, "each of its pods works alone");
}

#[tokio::test(start_paused = true)]
async fn without_batches_the_same_job_is_interrupted_more_often() {
    let (fleet, journal) = (Fleet::with_workers(12), MemoryJournal::new());
    gang(&fleet);
    let r = start_with(&fleet, &journal, "one", PlanOptions { max_unavailable: 4, ..options() });
    let run = r.upgrade().await;
    r.until(&run, succeeded).await;
    assert!(fleet.lock().work.ended("llm") > 1);
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_killed_after_the_choice_goes_on_with_the_same_batch() {
    let (fleet, journal) = (Fleet::with_workers(5), MemoryJournal::new());
    let nodes = ["dgx031", "dgx032", "dgx033", "dgx034"].map(name);
    {
        let mut s = fleet.lock();
        s.work.begin("llm", nodes.clone());
        s.hanging.extend(nodes.iter().map(|node| format!("cordon {node}")));
    }
    let r = start_with(&fleet, &journal, "one", batched(json!({})));
    let run = r.upgrade().await;
    let state = r.until(&run, |s| !of_workers(s).is_empty()).await;
    let batch = state.batches.last().unwrap().clone();
    drop(r);
    tokio::task::yield_now().await;
    assert_eq!(batch.nodes, nodes);
    assert!(!nodes.iter().any(|node| fleet.lock().views[node].unschedulable), "no cordon took place");
    // The job has ended meanwhile, so that a new choice would be another one.
    fleet.lock().work.finish("llm");
    fleet.lock().hanging.clear();
    let r = start_with(&fleet, &journal, "two", batched(json!({})));
    let state = r.until(&run, succeeded).await;
    assert_eq!(of_workers(&state), [&batch], "nothing is chosen anew");
}

#[tokio::test(start_paused = true)]
async fn a_closed_window_is_waited_for_without_asking_all_the_time() {
    let (fleet, journal) = (Fleet::with_workers(3), MemoryJournal::new());
    let window = json!({"from": "03:30", "to": "23:00", "zone": "UTC"});
    let r = start_with(&fleet, &journal, "one", batched(json!({"windows": [window]})));
    let run = r.upgrade().await;
    let state = r.until(&run, |s| s.batch_waits.is_some()).await;
    let opens: Timestamp = "2026-11-22T03:30:00Z".parse().unwrap();
    assert_eq!(state.batch_waits.as_ref().unwrap().until, Some(opens));
    assert_eq!(fleet.count("cordon"), 0);
    r.until(&run, succeeded).await;
    let cordon = first(&r, "cordon");
    assert!(cordon >= opens && cordon < opens + Duration::from_secs(3600), "{cordon}");
    let looks = fleet.lock().looks_at_work;
    assert!(looks < 2 * 5400 / 10, "{looks} looks in an hour and a half");
    let waits = journal.records().iter().filter(|r| matches!(r.event, Event::BatchWaits { .. })).count();
    assert_eq!(waits, 1, "one reason is one record");
}

#[tokio::test(start_paused = true)]
async fn a_failed_look_is_a_named_reason_to_wait() {
    let (fleet, journal) = (Fleet::with_workers(3), MemoryJournal::new());
    fleet.lock().work_unseen = true;
    let r = start_with(&fleet, &journal, "one", batched(json!({})));
    let run = r.upgrade().await;
    let state = r.until(&run, |s| s.batch_waits.is_some()).await;
    let why = &state.batch_waits.as_ref().unwrap().why;
    assert!(why.contains("can't be looked at") && why.contains("connection refused"), "{why}");
    let looks = fleet.lock().looks_at_work;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let waits = journal.records().iter().filter(|r| matches!(r.event, Event::BatchWaits { .. })).count();
    // Each look fails with another text.
    assert_eq!((waits, fleet.lock().looks_at_work > looks + 5), (1, true), "one reason is one record");
    fleet.lock().work_unseen = false;
    r.until(&run, succeeded).await;
}

#[tokio::test(start_paused = true)]
async fn nodes_still_to_come_are_tainted_and_finished_ones_are_not() {
    let (fleet, journal) = (Fleet::with_workers(4), MemoryJournal::new());
    let r = start_with(&fleet, &journal, "one", PlanOptions { max_unavailable: 1, ..batched(json!({})) });
    let run = r.upgrade().await;
    let state = r.until(&run, |s| s.phase().is_some_and(|p| p.name == "workers")).await;
    let (first, left) = (canary(&state), tainted(&fleet));
    assert!(left.len() == 3 && !left.contains(first), "{first} is finished: {left:?}");
    r.until(&run, succeeded).await;
    assert_eq!(tainted(&fleet), BTreeSet::new());
    assert_eq!((fleet.count("soft-taint"), fleet.count("soft-untaint")), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn an_abort_removes_the_soft_taints_and_no_other_run_s() {
    let (fleet, journal) = (Fleet::with_workers(4), MemoryJournal::new());
    let r = start_with(&fleet, &journal, "one", PlanOptions { max_unavailable: 1, ..batched(json!({})) });
    let run = r.upgrade().await;
    let failure = Failure::permanent("unit-failed", "kubelet does not start");
    let state = r.until(&run, |s| s.phase().is_some_and(|p| p.name == "workers")).await;
    fleet.lock().failing.insert("kubelet-restart".into(), vec![failure]);
    r.until(&run, |s| matches!(s.status, RunStatus::Paused { .. })).await;
    let other = RunId::new("other").unwrap();
    fleet.lock().views.get_mut(&name("runai-03")).unwrap().soft_taint = Some(other);
    say(&r, Command::Abort { reason: "enough".into() }).await;
    r.until(&run, RunState::is_over).await;
    assert_eq!(tainted(&fleet), BTreeSet::from([name("runai-03")]));
    let first = canary(&state).clone();
    let state = r.coordinator.store().run(&run).unwrap();
    let RunStatus::Aborted { undone, .. } = &state.status else { panic!("{:?}", state.status) };
    assert!(undone.iter().any(|line| line.contains("soft-untaint")), "{undone:#?}");
    let again = format!("{first}: soft-untaint");
    assert!(!undone.iter().any(|line| line.starts_with(&again)), "its lane has removed it: {undone:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_release_removes_the_soft_taint_that_an_ended_run_has_left() {
    let (fleet, journal) = (Fleet::with_workers(2), MemoryJournal::new());
    let r = start_with(&fleet, &journal, "one", batched(json!({})));
    let run = r.upgrade().await;
    let release = || Command::NodeRelease { node: name("dgx031"), reason: String::new(), force: false };
    let taint =
        |run: &RunId| fleet.lock().views.get_mut(&name("dgx031")).unwrap().soft_taint = Some(run.clone());
    r.until(&run, succeeded).await;
    let stranger = RunId::new("stranger").unwrap();
    taint(&stranger);
    let said = say(&r, release()).await;
    assert_eq!(tainted(&fleet).len(), 1, "the journal does not know that run");
    assert!(said.contains("is of run stranger, which this journal does not know, and stays"), "{said}");
    assert!(said.ends_with("podlift node release dgx031 --force --reason TEXT"), "{said}");
    let forced =
        Command::NodeRelease { node: name("dgx031"), reason: "its coordinator is gone".into(), force: true };
    assert!(say(&r, forced).await.contains("the soft taint that run stranger had left on it is removed"));
    assert_eq!(tainted(&fleet), BTreeSet::new());
    taint(&run);
    let said = say(&r, release()).await;
    assert!(said.contains(&format!("the soft taint that run {run} had left on it is removed")), "{said}");
    assert_eq!(tainted(&fleet), BTreeSet::new());
    taint(&run);
    fleet.lock().views.get_mut(&name("dgx031")).unwrap().unschedulable = true;
    let refused = r.coordinator.command(None, release(), "eve").await;
    let why = format!("{:?}", refused.unwrap_err());
    assert!(why.contains("another person or program") && why.contains("the soft taint"), "{why}");
    assert_eq!(tainted(&fleet), BTreeSet::new(), "the cordon of another person keeps no taint of ours");
    let noted = |record: &podlift_engine::machine::Record| matches!(&record.event, Event::NodeReleased { note, .. } if note.contains("soft taint"));
    assert_eq!(journal.records().iter().filter(|record| noted(record)).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_deferral_until_a_date_holds_in_later_plans_until_then() {
    let (fleet, journal) = (Fleet::with_workers(3), MemoryJournal::new());
    let r = start_with(&fleet, &journal, "one", batched(json!({})));
    let run = r.upgrade().await;
    let defer = |until: &str| Command::Defer {
        node: name("dgx032"),
        reason: "a job".into(),
        until: until.parse().ok(),
    };
    let past = r.coordinator.command(None, defer("2026-11-22T01:00:00Z"), "eve").await;
    assert!(past.is_err_and(|e| format!("{e:?}").contains("is not in the future")));
    let said = say(&r, defer("2026-11-24T00:00:00Z")).await;
    assert!(said.contains("until 2026-11-24T00:00:00Z"), "{said}");
    let state = r.until(&run, succeeded).await;
    assert_eq!(state.deferred_until[&name("dgx032")], "2026-11-24T00:00:00Z".parse().unwrap());
    let to = || PlanAsk::to("v1.32.9".parse().unwrap());
    let resumed = || PlanAsk { resume_deferred: true, ..to() };
    let early = r.coordinator.plan(&resumed(), "eve").await;
    assert!(early.is_err_and(|e| format!("{e:?}").contains("2026-11-24")), "its time has not come");
    tokio::time::sleep(Duration::from_secs(3 * 24 * 3600)).await;
    let plan = r.coordinator.plan(&resumed(), "eve").await.unwrap();
    assert_eq!(plan.nodes, [name("dgx032")]);
}

#[tokio::test(start_paused = true)]
async fn a_share_is_resolved_when_the_workers_are_known() {
    let (fleet, journal) = (Fleet::with_workers(12), MemoryJournal::new());
    let r = start_with(&fleet, &journal, "one", batched(json!({"max-unavailable": "50%"})));
    r.commanding().await;
    for (asked, number) in [(None, 6), (Some("25%"), 3), (Some("2"), 2)] {
        let max_unavailable = asked.map(|text| text.parse().unwrap());
        let ask = PlanAsk { max_unavailable, ..PlanAsk::to("v1.32.9".parse().unwrap()) };
        let plan = r.coordinator.plan(&ask, "eve").await.unwrap();
        assert_eq!(plan.options.max_unavailable, number, "{asked:?}");
    }
}
