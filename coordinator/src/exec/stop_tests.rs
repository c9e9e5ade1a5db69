//! What stops a drain, and what an abort does while the API is away.

use crate::core::{Command, CoordinatorError};
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, Running, name, start, store};
use podlift_common::wire::StatusError as _;
use podlift_engine::machine::{Event, RunState, RunStatus, StepStatus};
use podlift_model::op::Component;
use podlift_model::{Failure, OpOutcome, RunId, codes};
use std::sync::Arc;
use std::time::Duration;

const DRAIN: &str = "canary/dgx030/drain";

async fn say(r: &Running, command: Command) -> Result<String, CoordinatorError> {
    r.coordinator.command(None, command, "eve").await
}

fn drains(s: &RunState) -> bool {
    s.steps.iter().any(|(id, x)| id.as_str() == DRAIN && matches!(x.status, StepStatus::Started { .. }))
}

fn status<'a>(s: &'a RunState, step: &str) -> &'a StepStatus {
    &s.steps.iter().find(|(id, _)| id.as_str() == step).unwrap().1.status
}

/// A run whose first drain never ends.
async fn draining(fleet: &Arc<Fleet>, journal: &MemoryJournal) -> (Running, RunId) {
    fleet.lock().pods.insert(name("dgx030"), vec!["a/web".into()]);
    fleet.lock().hanging.insert("drain".into());
    let r = start(fleet, journal, "one");
    let run = r.upgrade().await;
    r.until(&run, drains).await;
    (r, run)
}

#[tokio::test(start_paused = true)]
async fn a_pause_now_stops_a_drain_at_once_and_a_resume_goes_on_with_it() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let (r, run) = draining(&fleet, &journal).await;
    let begin = tokio::time::Instant::now();
    say(&r, Command::Pause { reason: "now".into(), now: true }).await.unwrap();
    let state = r.until(&run, |s| !drains(s)).await;
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    let StepStatus::Ended { outcome: OpOutcome::Failed { failure }, .. } = status(&state, DRAIN) else {
        panic!("{:?}", status(&state, DRAIN))
    };
    assert_eq!(failure.code, codes::DRAIN_STOPPED);
    fleet.lock().hanging.clear();
    say(&r, Command::Resume).await.unwrap();
    r.until(&run, |s| s.status == RunStatus::Succeeded).await;
    assert!(fleet.lock().pods.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pause_lets_a_drain_go_on() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let (r, run) = draining(&fleet, &journal).await;
    say(&r, Command::Pause { reason: "later".into(), now: false }).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(drains(&r.coordinator.store().run(&run).unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_deferral_stops_a_drain_at_once_and_gives_the_cordon_back() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let (r, run) = draining(&fleet, &journal).await;
    assert!(fleet.lock().views[&name("dgx030")].unschedulable);
    let begin = tokio::time::Instant::now();
    say(&r, Command::Defer { node: name("dgx030"), reason: "a job".into(), until: None }).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert!(!fleet.lock().views[&name("dgx030")].unschedulable);
    fleet.lock().hanging.clear();
    let state = r.until(&run, |s| s.status == RunStatus::Succeeded).await;
    assert!(state.deferred.contains_key(&name("dgx030")));
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_that_finishes_its_lanes_is_still_at_work() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let (r, run) = draining(&fleet, &journal).await;
    let apply = || Command::HealApply { node: name("runai-02"), component: Component::KubeApiserver };
    let refused = say(&r, apply()).await.unwrap_err().info();
    assert_eq!((refused.reason, refused.next.as_str()), ("RUN_WORKS", "podlift pause"));
    say(&r, Command::Pause { reason: "later".into(), now: false }).await.unwrap();
    let refused = say(&r, apply()).await.unwrap_err().info();
    assert_eq!((refused.reason, refused.next.as_str()), ("RUN_WORKS", "podlift pause --now"));
    assert!(r.coordinator.store().run(&run).unwrap().is_at_work(), "its reads are counted, too");
    say(&r, Command::Pause { reason: "now".into(), now: true }).await.unwrap();
    r.until(&run, |s| !s.is_at_work()).await;
    say(&r, apply()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deferral_that_was_cut_off_by_a_power_loss_is_undone_at_the_next_start() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let (r, run) = draining(&fleet, &journal).await;
    say(&r, Command::Pause { reason: "now".into(), now: true }).await.unwrap();
    r.until(&run, |s| !s.is_at_work()).await;
    drop(r);
    let node = name("dgx030");
    let event =
        Event::NodeDeferred { node: node.clone(), reason: "a job".into(), by: "eve".into(), until: None };
    store(&journal).append(Some(&run), event).unwrap();
    assert!(fleet.lock().views[&node].unschedulable);
    let r = start(&fleet, &journal, "two");
    let state = r.until(&run, |s| s.undo_due.is_empty()).await;
    assert!(!fleet.lock().views[&node].unschedulable && state.left.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_abort_lists_a_cordon_of_another_person_and_what_failed_half_way() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, |_| fleet.lock().effects.iter().any(|(n, v, _)| n == "dgx030" && v == "cordon")).await;
    let failure = Failure::permanent("dpkg-interrupted", "dpkg was interrupted");
    fleet.lock().failing.insert("package-install".into(), vec![failure]);
    r.until(&run, |s| matches!(s.status, RunStatus::Paused { .. })).await;
    fleet.lock().foreign.insert(name("dgx030"));
    say(&r, Command::Abort { reason: "enough".into() }).await.unwrap();
    let state = r.until(&run, RunState::is_over).await;
    let RunStatus::Aborted { left, undone } = &state.status else { panic!("{:?}", state.status) };
    let stays = |line: &String| line.contains("dgx030 stays cordoned");
    assert!(left.iter().any(stays) && !undone.iter().any(stays), "{left:#?} {undone:#?}");
    let packages = |line: &String| line.starts_with("dgx030: kubelet binary");
    assert!(left.iter().any(packages), "{left:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_aborted_takes_no_other_command() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let (r, _) = draining(&fleet, &journal).await;
    fleet.lock().api_down = true;
    say(&r, Command::Abort { reason: "enough".into() }).await.unwrap();
    let set = Command::Set { option: "max-unavailable".into(), value: "2".into() };
    let others = [
        Command::Retry { step: None, repair_dpkg: false },
        Command::Defer { node: name("dgx031"), reason: "x".into(), until: None },
        Command::Include { node: name("dgx031") },
        set,
    ];
    for command in others {
        let refused = say(&r, command).await.unwrap_err();
        assert!(matches!(refused, CoordinatorError::Aborting { .. }), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_waits_for_the_api_without_limit_and_says_so() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let (r, run) = draining(&fleet, &journal).await;
    fleet.lock().api_down = true;
    say(&r, Command::Abort { reason: "enough".into() }).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let state = r.coordinator.store().run(&run).unwrap();
    assert!(matches!(state.status, RunStatus::Aborting { .. }), "{:?}", state.status);
    let rows = r.coordinator.status(None).unwrap().nodes;
    let row = rows.iter().find(|n| n.name == name("dgx030")).unwrap();
    let reason = row.reason.as_deref().unwrap_or_default();
    assert!(reason.contains("can't be reached") && reason.contains("second podlift abort"), "{reason}");
    fleet.lock().api_down = false;
    r.until(&run, RunState::is_over).await;
    assert!(!fleet.lock().views[&name("dgx030")].unschedulable);
}

#[tokio::test(start_paused = true)]
async fn a_second_abort_ends_the_wait_and_lists_the_cordon_with_the_next_command() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let (r, run) = draining(&fleet, &journal).await;
    fleet.lock().api_down = true;
    say(&r, Command::Abort { reason: "enough".into() }).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    say(&r, Command::Abort { reason: "now".into() }).await.unwrap();
    let state = r.until(&run, RunState::is_over).await;
    let RunStatus::Aborted { left, .. } = &state.status else { panic!("{:?}", state.status) };
    assert!(left.iter().any(|l| l.contains("podlift node release dgx030")), "{left:#?}");
    fleet.lock().api_down = false;
    let release = Command::NodeRelease { node: name("dgx030"), reason: String::new(), force: false };
    say(&r, release).await.unwrap();
    assert!(!fleet.lock().views[&name("dgx030")].unschedulable);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_fails_while_it_finishes_in_a_pause_leaves_the_printed_command_right() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, |_| fleet.lock().effects.iter().any(|(n, v, _)| n == "dgx030" && v == "cordon")).await;
    let failure = Failure::permanent("unit-failed", "kubelet does not start");
    fleet.lock().failing.insert("kubelet-restart".into(), vec![failure]);
    say(&r, Command::Pause { reason: "later".into(), now: false }).await.unwrap();
    let state = r.until(&run, |s| s.failed_steps().next().is_some()).await;
    let RunStatus::Paused { reason } = &state.status else { panic!("{:?}", state.status) };
    assert_eq!(reason.next, "podlift resume");
    say(&r, Command::Resume).await.unwrap();
    let named = |s: &RunState| match &s.status {
        RunStatus::Paused { reason } => reason.code == "unit-failed" && reason.next == "podlift retry",
        _ => false,
    };
    r.until(&run, named).await;
    say(&r, Command::Retry { step: None, repair_dpkg: false }).await.unwrap();
    r.until(&run, |s| s.status == RunStatus::Succeeded).await;
}

/// kubeadm's own health check did not end in time.
fn no_health_check() -> Failure {
    let text = "`kubeadm upgrade node` exited 1 after 16 s: [ERROR CreateJob]: Job \"upgrade-health-check-x\" in the namespace \"kube-system\" did not complete in 15s";
    Failure::operator(codes::KUBEADM_FAILED, text)
}

#[tokio::test(start_paused = true)]
async fn a_health_check_of_kubeadm_that_fails_once_is_tried_again_by_itself_and_the_second_time_by_a_retry() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    fleet.lock().failing.insert("kubeadm-apply".into(), vec![no_health_check()]);
    fleet.lock().failing.insert("kubeadm-node".into(), vec![no_health_check(), no_health_check()]);
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    let state = r.until(&run, |s| matches!(s.status, RunStatus::Paused { .. })).await;
    let RunStatus::Paused { reason } = &state.status else { panic!("{:?}", state.status) };
    assert!(reason.message.contains("has changed nothing"), "{}", reason.message);
    assert_eq!((reason.code.as_str(), reason.next.as_str()), (codes::KUBEADM_FAILED, "podlift retry"));
    let attempts =
        |s: &RunState, step: &str| s.steps.iter().find(|(id, _)| id.as_str() == step).unwrap().1.attempts;
    assert_eq!(attempts(&state, "control-plane/runai-01/kubeadm-apply"), 2, "it was not named to anybody");
    assert_eq!(attempts(&state, "control-plane/runai-02/kubeadm-node"), 2);
    say(&r, Command::Retry { step: None, repair_dpkg: false }).await.unwrap();
    let state = r.until(&run, |s| s.status == RunStatus::Succeeded).await;
    assert_eq!(attempts(&state, "control-plane/runai-01/kubeadm-apply"), 2);
    assert_eq!(attempts(&state, "control-plane/runai-03/kubeadm-node"), 1);
}
