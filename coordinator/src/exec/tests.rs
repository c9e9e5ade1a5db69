//! The executor over a small fleet of fakes, on a paused clock.

use crate::core::{Command, CoordinatorError, PlanAsk};
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, Running, name, start};
use podlift_engine::machine::{Event, RunState, RunStatus, StepStatus};
use podlift_model::{Failure, RunId};

pub(super) fn succeeded(s: &RunState) -> bool {
    s.status == RunStatus::Succeeded
}

pub(super) fn paused(s: &RunState) -> bool {
    matches!(s.status, RunStatus::Paused { .. })
}

pub(super) fn code(s: &RunState) -> String {
    match &s.status {
        RunStatus::Paused { reason } => reason.code.clone(),
        other => format!("{other:?}"),
    }
}

pub(super) async fn say(r: &Running, command: Command) -> Result<String, CoordinatorError> {
    r.coordinator.command(None, command, "eve").await
}

#[tokio::test(start_paused = true)]
async fn a_whole_run_succeeds_and_does_everything_once() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    let state = r.until(&run, succeeded).await;
    assert!(state.indeterminate.is_empty());
    let counts = [
        "kubeadm-apply",
        "kubeadm-node",
        "kubelet-restart",
        "kubeadm-config",
        "cordon",
        "uncordon",
        "kubeadm-addons",
    ];
    assert_eq!(counts.map(|verb| fleet.count(verb)), [1, 4, 5, 1, 5, 5, 1]);
    let report = r.coordinator.report(None).unwrap();
    assert_eq!((report.result.as_str(), report.api_outage.vip_seconds), ("succeeded", 0.0));
    let open = report.checks.iter().filter(|c| c.result != "passed").map(|c| c.id.as_str());
    // The configuration names no recipients for the TLS secrets, so the set has them not, and this cluster shows none of its parts.
    let unseen = ["backup-sealed", "load-balancers", "ingress-tls", "calico", "validated", "bcm-metadata"];
    assert_eq!(open.collect::<Vec<_>>(), unseen, "{:#?}", report.checks);
    assert!(report.prevented.iter().any(|p| p.id == "etcd-servers-lost"));
}

#[tokio::test(start_paused = true)]
async fn intent_is_written_before_the_act_and_the_end_after() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, succeeded).await;
    for record in journal.records() {
        if let Event::OpEnded { op_id, .. } = &record.event {
            let before = journal.records().into_iter().take(record.seq as usize);
            let started = |e: &Event| matches!(e, Event::StepStarted { op_id: o, .. } if o == op_id);
            assert_eq!(before.filter(|r| started(&r.event)).count(), 1, "{op_id}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_dies_anywhere_is_continued_by_the_next() {
    for cut in (3..120).step_by(9) {
        let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
        let r = start(&fleet, &journal, "one");
        let run = r.upgrade().await;
        let store = r.coordinator.store().clone();
        r.until(&run, |s| store.head() >= cut || succeeded(s)).await;
        drop(r);
        tokio::task::yield_now().await;
        let r = start(&fleet, &journal, "two");
        let state = r.until(&run, succeeded).await;
        assert_eq!(fleet.count("kubeadm-apply"), 1, "cut at {cut}");
        assert!(state.indeterminate.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_nobody_heard_is_asked_for() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    fleet.lock().unheard.insert("kubeadm-apply".into(), 1);
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, succeeded).await;
    assert_eq!(fleet.count("kubeadm-apply"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_memory_makes_open_ops_indeterminate_and_the_look_decides() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    fleet.lock().unheard.insert("kubeadm-apply".into(), 1);
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, |_| fleet.count("kubeadm-apply") > 0).await;
    fleet.lock().lose_memory("runai-01");
    let state = r.until(&run, succeeded).await;
    // The manifests are right, and nothing shows that the phases after them ran: these are run again.
    assert_eq!((fleet.count("kubeadm-apply"), state.indeterminate.len()), (2, 1));
    let report = r.coordinator.report(None).unwrap();
    assert!(report.indeterminate[0].contains("lost its memory"), "{:?}", report.indeterminate);
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_and_what_does_not_pauses_the_run() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let lock = || Failure::transient("apt-lock", "apt is locked");
    fleet.lock().failing.insert("package-install".into(), vec![lock(), lock()]);
    fleet.lock().failing.insert(
        "kubeadm-apply".into(),
        vec![Failure::permanent("kubeadm-failed", "rc 1").with_detail("last line")],
    );
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    let state = r.until(&run, paused).await;
    let RunStatus::Paused { reason } = &state.status else { panic!() };
    assert_eq!((reason.code.as_str(), reason.detail.as_str()), ("kubeadm-failed", "last line"));
    assert!(reason.next.starts_with("podlift retry"));
    assert!(matches!(say(&r, Command::Resume).await, Err(CoordinatorError::StepFailed { .. })));
    say(&r, Command::Retry { step: None, repair_dpkg: false }).await.unwrap();
    r.until(&run, succeeded).await;
}

#[tokio::test(start_paused = true)]
async fn a_busy_agent_gets_the_same_op_again() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    fleet.lock().busy.insert("kubeadm-apply".into(), 3);
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    let state = r.until(&run, succeeded).await;
    let apply = state.steps.iter().find(|(id, _)| id.as_str().ends_with("kubeadm-apply"));
    assert_eq!((apply.unwrap().1.attempts, fleet.count("kubeadm-apply")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_act_without_effect_is_not_repeated_for_ever() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    fleet.lock().idle.insert("package-install".into());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    let state = r.until(&run, paused).await;
    assert_eq!((code(&state).as_str(), fleet.count("package-install")), ("no-effect", 3));
}

#[tokio::test(start_paused = true)]
async fn an_api_that_is_away_is_waited_for_and_measured() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, |s| s.seal.is_some()).await;
    fleet.lock().api_down = true;
    r.until(&run, |s| !s.outages.is_empty()).await;
    tokio::time::sleep(std::time::Duration::from_secs(40)).await;
    fleet.lock().api_down = false;
    r.until(&run, succeeded).await;
    let outage = r.coordinator.report(None).unwrap().api_outage;
    assert!((39.0..=43.0).contains(&outage.vip_seconds), "{outage:?}");
    assert_eq!(outage.endpoints.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_stays_away_with_an_open_op_pauses_the_run() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    fleet.lock().unheard.insert("kubelet-restart".into(), 1);
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    let open =
        |s: &RunState| s.steps.iter().any(|(id, x)| id.as_str().ends_with("kubelet-restart") && x.is_open());
    r.until(&run, open).await;
    fleet.lock().offline.insert(name("runai-01"));
    let state = r.until(&run, paused).await;
    assert_eq!(code(&state), "agent-unreachable");
    fleet.lock().offline.clear();
    say(&r, Command::Resume).await.unwrap();
    r.until(&run, succeeded).await;
    assert_eq!(fleet.count("kubelet-restart"), 5);
}

#[tokio::test(start_paused = true)]
async fn abort_puts_back_cordons_and_guards_and_says_what_is_left() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    fleet.lock().failing.insert("kubeadm-apply".into(), vec![Failure::permanent("kubeadm-failed", "rc 1")]);
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, paused).await;
    say(&r, Command::Abort { reason: "enough".into() }).await.unwrap();
    let state = r.until(&run, RunState::is_over).await;
    let RunStatus::Aborted { undone, left } = &state.status else { panic!("{:?}", state.status) };
    let nodes = ["dgx030", "dgx031", "runai-01", "runai-02", "runai-03"];
    let mut lines: Vec<String> = nodes.iter().map(|n| format!("{n}: image-release")).collect();
    // What was done last is undone first.
    lines.insert(2, "runai-01: step-back".into());
    lines.insert(3, "runai-01: guard-disarm".into());
    assert_eq!(*undone, lines);
    assert!(
        left.iter().any(|l| l.contains("kubeadm-config")) && left.iter().any(|l| l.starts_with("runai-01")),
        "{left:?}"
    );
    assert_eq!(fleet.count("guard-disarm"), 1);
    assert!(matches!(say(&r, Command::Resume).await, Err(CoordinatorError::NoRun)));
}

#[tokio::test(start_paused = true)]
async fn a_pause_now_lets_open_ops_end_and_starts_none() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, |s| s.steps.values().any(|x| matches!(x.status, StepStatus::Started { .. }))).await;
    say(&r, Command::Pause { reason: "lunch".into(), now: true }).await.unwrap();
    r.until(&run, |s| !s.steps.values().any(|x| x.is_open())).await;
    let before = fleet.lock().effects.len();
    tokio::time::sleep(std::time::Duration::from_secs(300)).await;
    assert_eq!(fleet.lock().effects.len(), before);
    say(&r, Command::Resume).await.unwrap();
    r.until(&run, succeeded).await;
}

#[tokio::test(start_paused = true)]
async fn a_higher_epoch_elsewhere_ends_our_command() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, |s| s.seal.is_some()).await;
    let other = start(&fleet, &MemoryJournal::new(), "two");
    other.commanding().await;
    let mut fence = r.coordinator.fence().subscribe();
    while r.coordinator.fence().commanding().is_some() {
        fence.changed().await.unwrap();
    }
    assert!(r.coordinator.status(None).unwrap().read_only.unwrap().contains("another coordinator"));
    let refused = say(&r, Command::Pause { reason: String::new(), now: false }).await;
    assert!(matches!(refused, Err(CoordinatorError::ReadOnly { .. })));
    drop(other);
    say(&r, Command::Takeover).await.unwrap();
    r.until(&run, succeeded).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_takes_no_orders_fails_its_own_step_and_nothing_else() {
    for number in [900, u64::MAX] {
        let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
        let r = start(&fleet, &journal, "one");
        let run = r.upgrade().await;
        r.until(&run, |s| s.seal.is_some()).await;
        let instance = podlift_model::InstanceId::new("other").unwrap();
        fleet.lock().epochs.insert(name("dgx030"), podlift_model::Epoch { number, instance });
        let state = r.until(&run, paused).await;
        assert_eq!(code(&state), "epoch-refused");
        let RunStatus::Paused { reason } = &state.status else { panic!() };
        assert!(reason.message.contains("podlift defer dgx030"), "{}", reason.message);
        assert!(r.coordinator.fence().commanding().is_some(), "{:?}", r.coordinator.fence().read_only());
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_majority_nothing_is_commanded() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    fleet.lock().offline.extend([name("runai-01"), name("runai-02")]);
    let r = start(&fleet, &journal, "one");
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    let why = r.coordinator.fence().read_only().unwrap();
    assert!(why.contains("1 of 3 control-plane agents are connected"), "{why}");
    fleet.lock().offline.remove(&name("runai-02"));
    r.commanding().await;
}

#[tokio::test(start_paused = true)]
async fn runs_that_only_agents_remember_are_adopted_first() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    fleet.lock().remembered = vec![RunId::new("old-run").unwrap()];
    let r = start(&fleet, &journal, "one");
    let mut fence = r.coordinator.fence().subscribe();
    while r.coordinator.fence().epoch().is_none() {
        fence.changed().await.unwrap();
    }
    let ask = PlanAsk::to("v1.32.9".parse().unwrap());
    let refused = r.coordinator.start_run(&ask, None, "eve").await;
    assert!(matches!(refused, Err(CoordinatorError::ReadOnly { why }) if why.contains("old-run")));
    say(&r, Command::Adopt).await.unwrap();
    let run = r.upgrade().await;
    r.until(&run, succeeded).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_is_started_only_as_it_was_seen_and_alone() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    r.commanding().await;
    let ask = PlanAsk::to("v1.32.9".parse().unwrap());
    let seen = r.coordinator.plan(&ask, "eve").await.unwrap().hash.to_string();
    fleet.lock().views.get_mut(&name("dgx031")).unwrap().kubelet = "v1.31.8".parse().ok();
    let other = r.coordinator.start_run(&ask, Some(&seen), "eve").await;
    assert!(
        matches!(&other, Err(CoordinatorError::OtherPlan { parts: Some(p), .. }) if p == &["node dgx031"]),
        "{other:?}"
    );
    fleet.lock().views.get_mut(&name("runai-03")).unwrap().ready = false;
    let blocked = r.coordinator.start_run(&ask, None, "eve").await;
    assert!(
        matches!(&blocked, Err(CoordinatorError::Blocked { findings, .. }) if findings[0].check == "nodes-ready")
    );
    fleet.lock().views.get_mut(&name("runai-03")).unwrap().ready = true;
    let run = r.upgrade().await;
    let second = r.coordinator.start_run(&ask, None, "eve").await;
    assert!(matches!(second, Err(CoordinatorError::RunOpen { run: open }) if open == run));
}

#[tokio::test(start_paused = true)]
async fn reads_are_counted_while_the_control_plane_changes_and_a_blip_is_not_lost() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, |s| s.phase().is_some_and(|p| p.name == "control-plane")).await;
    // One read fails, too short for an outage.
    fleet.lock().reads_to_fail.insert("vip".into(), 1);
    let state = r.until(&run, succeeded).await;
    assert!(state.outages.is_empty(), "{:?}", state.outages);
    let vip = &state.probed["vip"];
    assert_eq!((vip.failed, vip.why.as_str()), (1, "connection reset"));
    assert!(vip.requests > 100 && (100..=150).contains(&vip.longest_gap_ms), "{vip:?}");
    let others = state.probed.iter().filter(|(endpoint, _)| *endpoint != "vip");
    assert!(others.clone().count() >= 2 && others.clone().all(|(_, counts)| counts.failed == 0));
    let report = r.coordinator.report(None).unwrap();
    assert_eq!((report.api_outage.vip_seconds, &report.api_outage.reads), (0.0, &state.probed));
    assert_eq!(r.coordinator.status(None).unwrap().run.unwrap().reads, state.probed);
}

#[tokio::test(start_paused = true)]
async fn a_kubeadm_that_failed_under_a_waiver_of_losses_prints_the_command_that_lifts_it() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    fleet.lock().failing.insert("kubeadm-apply".into(), vec![Failure::permanent("kubeadm-failed", "rc 1")]);
    let r = start(&fleet, &journal, "one");
    r.commanding().await;
    let waivers = vec![("flag-loss".to_string(), "intended".to_string())];
    let ask = PlanAsk { waivers, ..PlanAsk::to("v1.32.9".parse().unwrap()) };
    let (run, _) = r.coordinator.start_run(&ask, None, "eve").await.unwrap();
    let state = r.until(&run, paused).await;
    let RunStatus::Paused { reason } = &state.status else { panic!() };
    assert_eq!(reason.next, "podlift retry --unwaive flag-loss", "{}", reason.message);
}
