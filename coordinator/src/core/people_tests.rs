//! Attestations and approvals of people, and their effects.

use super::{Command, CoordinatorError, PlanAsk};
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, Running, records, start, store};
use podlift_engine::machine::{APPROVAL, Event, RunState, RunStatus};
use podlift_engine::program::{Approve, DIFFERENCES};
use podlift_model::{Failure, codes};

const TO: &str = "v1.32.9";

async fn attest(running: &Running, name: &str, by: &str) -> Result<String, CoordinatorError> {
    let command = Command::Attest { name: name.into(), note: "ticket 4107".into() };
    running.coordinator.command(None, command, by).await
}

#[tokio::test(start_paused = true)]
async fn an_attestation_is_in_the_next_plan_and_outlives_the_coordinator() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    running.commanding().await;
    let said = attest(&running, "maintenance-window", "jane").await.unwrap();
    assert_eq!(
        said,
        "maintenance-window attested by jane; still open: application-backups, rollback-reviewed"
    );
    let plan = running.coordinator.plan(&PlanAsk::to(TO.parse().unwrap()), "eve").await.unwrap();
    let [told] = plan.attestations.as_slice() else { panic!("{:?}", plan.attestations) };
    assert_eq!(
        (told.id.as_str(), told.by.as_str(), told.note.as_str()),
        ("maintenance-window", "jane", "ticket 4107")
    );
    drop(running);
    assert_eq!(store(&journal).attestations(), plan.attestations);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asks_for_can_not_be_attested() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    running.commanding().await;
    let before = running.coordinator.store().head();
    for name in ["all-is-good", DIFFERENCES] {
        let refused = attest(&running, name, "jane").await.unwrap_err();
        assert!(matches!(refused, CoordinatorError::Attestation { .. }), "{refused:?}");
    }
    assert_eq!(running.coordinator.store().head(), before);
}

fn waits(state: &RunState) -> bool {
    matches!(&state.status, RunStatus::Paused { reason } if reason.code == APPROVAL)
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_approval_and_only_for_that() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    running.commanding().await;
    let ask = PlanAsk { approve: Some(Approve::Phase), ..PlanAsk::to(TO.parse().unwrap()) };
    let (run, _) = running.coordinator.start_run(&ask, None, "eve").await.unwrap();
    let approve = || running.coordinator.command(None, Command::Approve, "jane");
    running.until(&run, waits).await;
    assert_eq!(approve().await.unwrap(), format!("approved: run {run} continues"));
    let state = running.until(&run, waits).await;
    // A resume and a retry are no approval.
    let refused = running.coordinator.command(None, Command::Resume, "jane").await.unwrap_err();
    assert!(matches!(&refused, CoordinatorError::WaitsForApproval { .. }), "{refused:?}");
    let head = running.coordinator.store().head();
    let retry = Command::Retry { step: None, repair_dpkg: false };
    running.coordinator.command(None, retry, "jane").await.unwrap();
    running.until(&run, |s| waits(s) && running.coordinator.store().head() > head + 1).await;
    // A run that was paused by hand does not wait for an approval.
    approve().await.unwrap();
    let approved = records(running.coordinator.store(), 0).into_iter().filter_map(|r| match r.event {
        Event::Approved { by, what } => Some((by, what)),
        _ => None,
    });
    let approved: Vec<_> = approved.collect();
    assert!(
        approved.len() == 2 && approved.iter().all(|(by, what)| by == "jane" && what.contains("waits for"))
    );
    let pause = Command::Pause { reason: "tea".into(), now: false };
    running.coordinator.command(None, pause, "jane").await.unwrap();
    let by_hand = |s: &RunState| matches!(&s.status, RunStatus::Paused { .. }) && !waits(s);
    running.until(&run, by_hand).await;
    let refused = approve().await.unwrap_err();
    assert!(matches!(&refused, CoordinatorError::NothingToApprove { .. }), "{refused:?}");
    assert_eq!(state.run, run);
}

#[tokio::test(start_paused = true)]
async fn a_control_plane_node_whose_server_is_behind_is_not_deferred_and_a_worker_comes_back() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    running.commanding().await;
    let ask = PlanAsk { approve: Some(Approve::Phase), ..PlanAsk::to(TO.parse().unwrap()) };
    let (run, _) = running.coordinator.start_run(&ask, None, "eve").await.unwrap();
    running.until(&run, waits).await;
    let command = |command: Command| running.coordinator.command(None, command, "jane");
    let defer =
        |node: &str| Command::Defer { node: node.parse().unwrap(), reason: "away".into(), until: None };
    let include = || Command::Include { node: "dgx031".parse().unwrap() };
    let refused = command(defer("runai-03")).await.unwrap_err();
    assert!(matches!(&refused, CoordinatorError::MayNotDefer { .. }), "{refused:?}");
    assert!(matches!(command(include()).await.unwrap_err(), CoordinatorError::NotDeferred { .. }));
    command(defer("dgx031")).await.unwrap();
    assert!(running.coordinator.store().run(&run).unwrap().deferred.len() == 1);
    command(include()).await.unwrap();
    assert!(running.coordinator.store().run(&run).unwrap().deferred.is_empty());
    while running.until(&run, |s| waits(s) || s.is_over()).await.status != RunStatus::Succeeded {
        command(Command::Approve).await.unwrap();
    }
    let report = running.coordinator.report(None).unwrap();
    let node = report.nodes.iter().find(|n| n.name.as_str() == "dgx031").unwrap();
    assert_eq!(node.result, "upgraded");
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_made_while_a_run_is_open_says_so_first() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let running = start(&fleet, &journal, "one");
    let run = running.upgrade().await;
    let plan = running.coordinator.plan(&PlanAsk::to(TO.parse().unwrap()), "eve").await.unwrap();
    let first = plan.findings.first().unwrap();
    assert_eq!(first.check, "run-open");
    assert!(first.evidence.contains(run.as_str()), "{}", first.evidence);
}

#[tokio::test(start_paused = true)]
async fn an_override_of_held_devices_is_recorded_before_the_retry_and_sent_to_that_node() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, |_| fleet.lock().effects.iter().any(|(n, v, _)| n == "dgx030" && v == "cordon")).await;
    let held = Failure::operator(codes::DEVICES_HELD, "devices of the node are in use");
    fleet.lock().failing.insert("kubelet-restart".into(), vec![held]);
    r.until(&run, |s| matches!(s.status, RunStatus::Paused { .. })).await;
    let asked = |node: &str| Command::OverrideDevices {
        node: node.parse().unwrap(),
        reason: "a hung exporter".into(),
        step: None,
        repair_dpkg: false,
    };
    let unknown = r.coordinator.command(None, asked("dgx999"), "eve").await;
    assert!(matches!(unknown, Err(CoordinatorError::UnknownNode { .. })), "{unknown:?}");
    let other = r.coordinator.command(None, asked("dgx031"), "eve").await;
    assert!(
        matches!(&other, Err(CoordinatorError::NotHeld { held, .. }) if held.iter().any(|n| n.as_str() == "dgx030")),
        "{other:?}"
    );
    r.coordinator.command(None, asked("dgx030"), "eve").await.unwrap();
    r.until(&run, |s| s.status == RunStatus::Succeeded).await;
    let events: Vec<Event> = journal.records().into_iter().map(|record| record.event).collect();
    let at = events.iter().position(|e| matches!(e, Event::DevicesOverridden { .. })).unwrap();
    assert!(matches!(events[at + 1], Event::RetryAsked { .. }), "{:?}", events[at + 1]);
}
