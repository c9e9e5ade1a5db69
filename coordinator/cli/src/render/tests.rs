//! What people read, as goldens. Time, names and width are pinned.

use super::{event, plan, report, status};
use crate::error::CliError;
use crate::out::Screen;
use podlift_common::wire::to_status;
use podlift_coordinator::core::{Coordinator, PlanAsk, Settings};
use podlift_coordinator::journal::MemoryJournal;
use podlift_coordinator::testing::{Fleet, assemble, name, options, store};
use podlift_engine::machine::{Event, StopReason};
use podlift_engine::plan::Plan;
use podlift_engine::steps::Evidence;
use podlift_model::{KubeVersion, OpOutcome, RunId, StepId};
use std::sync::Arc;

const NARROW: Screen = Screen { width: Some(110), colour: false };

async fn made(fleet: &Arc<Fleet>) -> (Arc<Coordinator>, Arc<Plan>) {
    let settings = Settings { options: options(), ..Settings::default() };
    let coordinator = assemble(fleet, store(&MemoryJournal::new()), "one", settings);
    let to: KubeVersion = "v1.32.9".parse().unwrap();
    let ask = PlanAsk { waivers: vec![], ..PlanAsk::to(to) };
    let plan = coordinator.plan(&ask, "eve").await.unwrap();
    (coordinator, plan)
}

fn run() -> RunId {
    RunId::new("20261122-020000-demo").unwrap()
}

/// A run that paused at its second step.
async fn paused(fleet: &Arc<Fleet>) -> Arc<Coordinator> {
    let (coordinator, plan) = made(fleet).await;
    let id = |text: &str| StepId::new(text).unwrap();
    let snapshot = id("backup/runai-01/etcd-snapshot");
    let step = plan.step(&snapshot).unwrap().clone();
    let store = coordinator.store();
    let say = |event: Event| drop(store.append(Some(&run()), event).unwrap());
    say(Event::RunStarted { plan: Box::new(Plan::clone(&plan)), by: "eve".into() });
    let (attempt, op_id) = store.run(&run()).unwrap().next_op(&step);
    tokio::time::advance(std::time::Duration::from_secs(3)).await;
    say(Event::StepStarted { step: snapshot.clone(), attempt, op_id: op_id.clone(), ledger: None });
    tokio::time::advance(std::time::Duration::from_secs(41)).await;
    say(Event::OpEnded { step: snapshot.clone(), op_id, outcome: OpOutcome::changed("saved") });
    let what = "revision 4107, 1 bytes, sha256 0123456789ab".to_string();
    say(Event::StepDone { step: snapshot, evidence: Evidence::Seen { what } });
    say(Event::ApiDown { endpoint: "10.77.0.12:6443".into(), why: "connection refused".into() });
    tokio::time::advance(std::time::Duration::from_millis(1500)).await;
    say(Event::ApiUp { endpoint: "10.77.0.12:6443".into(), milliseconds: 1500 });
    let reason = StopReason {
        code: "disk-full".into(),
        message: "no room for the copies of the manifests".into(),
        detail: "write /var/lib/podlift/backup: No space left on device".into(),
        undone: String::new(),
        next: "podlift retry, after the cause is mended".into(),
    };
    say(Event::StepFailed { step: id("backup/runai-01/manifest-backup"), reason: reason.clone() });
    let message = format!("backup/runai-01/manifest-backup: {}", reason.message);
    say(Event::RunPaused { reason: StopReason { message, ..reason }, by: None });
    coordinator
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_may_start() {
    let (_, made) = made(&Fleet::new()).await;
    let text = plan::plan(&made, NARROW).replace(made.hash.short(), "HASH");
    insta::assert_snapshot!(text);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_blocked() {
    let fleet = Fleet::new();
    fleet.lock().offline.insert(name("dgx031"));
    {
        let mut state = fleet.lock();
        let view = state.views.get_mut(&name("dgx030")).unwrap();
        (view.ready, view.ready_message) = (false, "kubelet stopped posting node status".into());
    }
    let (_, made) = made(&fleet).await;
    let text = plan::plan(&made, NARROW).replace(made.hash.short(), "HASH");
    insta::assert_snapshot!(text);
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_paused_run() {
    let fleet = Fleet::new();
    let coordinator = paused(&fleet).await;
    let mut seen = coordinator.status(None).unwrap();
    for row in &mut seen.nodes {
        (row.age_seconds, row.stale) = (2, row.name.as_str() == "dgx031");
    }
    insta::assert_snapshot!(status::status(&seen, None, NARROW));
}

#[tokio::test(start_paused = true)]
async fn the_report_of_a_paused_run() {
    let coordinator = paused(&Fleet::new()).await;
    insta::assert_snapshot!(report::markdown(&coordinator.report(None).unwrap()));
}

#[tokio::test(start_paused = true)]
async fn the_events_of_a_paused_run() {
    let coordinator = paused(&Fleet::new()).await;
    let hash = coordinator.store().newest().unwrap().plan.hash.clone();
    let records = coordinator.events(Some(&run()), 0).unwrap();
    let lines: Vec<String> = records.iter().map(event::line).collect();
    let plain = anstream::adapter::strip_str(&lines.join("\n")).to_string();
    insta::assert_snapshot!(plain.replace(hash.short(), "HASH"));
}

#[tokio::test(start_paused = true)]
async fn errors_say_what_why_and_what_next() {
    let fleet = Fleet::new();
    let coordinator = paused(&fleet).await;
    let ask = PlanAsk::to("v1.32.9".parse().unwrap());
    let other = PlanAsk::to("v1.33.1".parse().unwrap());
    let errors = [
        coordinator.start_run(&ask, None, "eve").await.err().unwrap(),
        coordinator.plan(&other, "eve").await.err().unwrap(),
        coordinator.command(None, podlift_coordinator::core::Command::Resume, "eve").await.err().unwrap(),
        coordinator.report(Some(&RunId::new("nope").unwrap())).err().unwrap(),
    ];
    let shown: Vec<String> = errors
        .iter()
        .map(|e| {
            let error = CliError::from(to_status(e));
            format!("{}\n exit: {:?}", anstream::adapter::strip_str(&error.render()), error.exit)
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}
