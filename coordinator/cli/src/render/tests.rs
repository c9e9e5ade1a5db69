//! The text for people, as goldens. Time, names and width are fixed.

use super::status::Shown;
use super::{event, fleet, node, plan, report, runs, status};
use crate::error::CliError;
use crate::out::Screen;
use podlift_common::wire::to_status;
use podlift_coordinator::core::{Coordinator, CoordinatorError, PlanAsk, Settings};
use podlift_coordinator::journal::MemoryJournal;
use podlift_coordinator::testing::{Fleet, assemble, name, options, store};
use podlift_engine::machine::{Event, Record};
use podlift_engine::program::{Evidence, LeftOut, Program, StopReason};
use podlift_engine::view::{self, FailedNode, NodeRow};
use podlift_model::{Digest, Failure, KubeVersion, OpOutcome, RunId, StepId};
use std::sync::Arc;
use tonic::Status;

/// The screens that goldens are made for.
const SCREENS: [(&str, Screen); 4] = [
    ("80", Screen { width: Some(80), height: None, colour: false }),
    ("80 in colour", Screen { width: Some(80), height: None, colour: true }),
    ("200", Screen { width: Some(200), height: None, colour: false }),
    ("20", Screen { width: Some(20), height: None, colour: false }),
];

/// The text for every screen, one below the other, with visible escape codes.
pub(super) fn on_screens(render: impl Fn(Screen) -> String) -> String {
    on(&SCREENS, render)
}

/// The text for a terminal of 80 columns, the same in colour, and of 120 columns.
pub(super) fn on_terminals(render: impl Fn(Screen) -> String) -> String {
    let wide = ("120", Screen { width: Some(120), height: None, colour: false });
    on(&[SCREENS[0], SCREENS[1], wide], render)
}

fn on(screens: &[(&str, Screen)], render: impl Fn(Screen) -> String) -> String {
    let one =
        |(name, screen): &(&str, Screen)| format!("== {name}\n{}", render(*screen).replace('\u{1b}', "^"));
    screens.iter().map(one).collect::<Vec<_>>().join("\n")
}

async fn made(fleet: &Arc<Fleet>) -> (Arc<Coordinator>, Arc<Program>) {
    let settings = Settings { options: options(), ..Settings::default() };
    let coordinator = assemble(fleet, store(&MemoryJournal::new()), "one", settings);
    let to: KubeVersion = "v1.32.9".parse().unwrap();
    let ask = PlanAsk { waivers: vec![], ..PlanAsk::to(to) };
    let plan = coordinator.plan(&ask, "eve").await.unwrap();
    (coordinator, plan)
}

pub(super) fn run() -> RunId {
    RunId::new("20261122-020000-demo").unwrap()
}

/// A run that paused at its second step.
pub(super) async fn paused(fleet: &Arc<Fleet>) -> Arc<Coordinator> {
    let (coordinator, plan) = made(fleet).await;
    let id = |text: &str| StepId::new(text).unwrap();
    let snapshot = id("backup/runai-01/etcd-snapshot");
    let step = plan.step(&snapshot).unwrap().clone();
    let store = coordinator.store();
    let say = |event: Event| drop(store.append(Some(&run()), event).unwrap());
    say(Event::RunStarted { plan: Box::new(Program::clone(&plan)), by: "eve".into() });
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
        next: "podlift retry".into(),
    };
    say(Event::StepFailed { step: id("backup/runai-01/manifest-backup"), reason: reason.clone() });
    let message = format!("backup/runai-01/manifest-backup: {}", reason.message);
    say(Event::RunPaused { reason: StopReason { message, ..reason }, by: None, now: false });
    coordinator
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_may_start() {
    let (_, made) = made(&Fleet::new()).await;
    insta::assert_snapshot!(on_screens(|s| plan::plan(&made, false, s)).replace(made.hash.short(), "HASH"));
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
    insta::assert_snapshot!(on_screens(|s| plan::plan(&made, false, s)).replace(made.hash.short(), "HASH"));
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_paused_run() {
    let fleet = Fleet::new();
    let coordinator = paused(&fleet).await;
    let seen = aged(coordinator.status(None).unwrap());
    insta::assert_snapshot!(on_screens(|s| status::status(&seen, Shown::default(), s)));
    let wide = Shown { wide: true, all: false };
    insta::assert_snapshot!("the_status_wide", on_screens(|s| status::status(&seen, wide, s)));
}

/// Status and records of the paused run, for the goldens of other modules. The hash of its plan is fixed, so that no release changes it.
pub(crate) async fn paused_records() -> (view::Status, Vec<Record>) {
    let coordinator = paused(&Fleet::new()).await;
    let mut records = podlift_coordinator::testing::records(coordinator.store(), 0);
    if let Event::RunStarted { plan, .. } = &mut records[0].event {
        plan.hash = Digest::of("plan");
    }
    (coordinator.status(None).unwrap(), records)
}

/// Makes the rows two seconds old, except for one that is stale and one that is gone.
pub(crate) fn aged(mut seen: view::Status) -> view::Status {
    for row in &mut seen.nodes {
        (row.age_seconds, row.stale) = (2, false);
        match row.name.as_str() {
            "dgx031" => (row.age_seconds, row.stale) = (94, true),
            "runai-03" => (row.age_seconds, row.stale, row.connected) = (3720, true, false),
            _ => {}
        }
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn a_large_fleet_is_cut_to_the_screen_and_says_so() {
    let coordinator = paused(&Fleet::new()).await;
    let mut seen = aged(coordinator.status(None).unwrap());
    let worker = seen.nodes[0].clone();
    for i in 100..300 {
        let state = if i % 3 == 0 { "pending" } else { "upgraded" };
        seen.nodes.push(NodeRow { name: name(&format!("dgx{i}")), state: state.into(), ..worker.clone() });
    }
    let screen = Screen { width: Some(80), height: Some(24), colour: false };
    let text = status::status(&seen, Shown::default(), screen);
    assert!(text.lines().count() < 24, "{text}");
    insta::assert_snapshot!(text);
    for (shown, screen) in [
        (Shown { all: true, wide: false }, screen),
        (Shown::default(), Screen { width: None, height: None, colour: false }),
    ] {
        let text = status::status(&seen, shown, screen);
        assert!(
            seen.nodes.iter().all(|n| text.contains(n.name.as_str())) && !text.contains("--all"),
            "{text}"
        );
    }
}

/// A run that is paused while nodes are finished, with workers that failed on the way.
#[tokio::test(start_paused = true)]
async fn the_status_of_a_run_without_some_workers() {
    let coordinator = paused(&Fleet::new()).await;
    let mut seen = aged(coordinator.status(None).unwrap());
    let run = seen.run.as_mut().unwrap();
    (run.finishing, run.max_unavailable) = (true, Some(40));
    let reason = StopReason {
        message: "the drain made no progress for 30 m: pod lab/notebook is held by its finalizer\nmore"
            .into(),
        ..run.paused.clone().unwrap()
    };
    run.failed = (101..108)
        .map(|n| FailedNode {
            name: name(&format!("dgx{n}")),
            step: StepId::new(format!("workers/dgx{n}/drain")).unwrap(),
            reason: reason.clone(),
            cordoned: n != 102,
        })
        .collect();
    for (row, state) in seen.nodes.iter_mut().zip(["lost", "working", "failed", "deferred"]) {
        row.state = state.into();
    }
    insta::assert_snapshot!(on_screens(|s| status::status(&seen, Shown::default(), s)));
}

#[test]
fn events_of_nodes_without_which_a_run_goes_on() {
    let reason = StopReason {
        code: "drain-blocked".into(),
        message: "pod lab/notebook can't be evicted".into(),
        detail: String::new(),
        undone: String::new(),
        next: "podlift retry --step workers/dgx031/drain".into(),
    };
    let (node, by) = (name("dgx031"), "eve".to_string());
    let step = StepId::new("workers/dgx031/drain").unwrap();
    let events = [
        Event::NodeSetAside { node: node.clone(), step, reason: reason.clone() },
        Event::NodeLost { node: node.clone(), by: by.clone() },
        Event::NodeDeferred {
            node: node.clone(),
            reason: "GPU tray is being changed".into(),
            by: by.clone(),
            until: Some("2026-12-01T06:00:00Z".parse().unwrap()),
        },
        Event::NodeUndone { node: node.clone(), undone: vec![], left: vec![] },
        Event::NodeUndone {
            node: node.clone(),
            undone: vec!["dgx031: the guard is steady".into()],
            left: vec![
                "dgx031 stays cordoned by run r1: not Ready; when it is mended: podlift node release dgx031"
                    .into(),
            ],
        },
        Event::DevicesOverridden {
            node: node.clone(),
            reason: "its Slurm job may be lost".into(),
            by: by.clone(),
        },
        Event::OptionSet { name: "max-unavailable".into(), value: "40".into(), by: by.clone() },
        Event::NodeReleased { node: node.clone(), run: run(), by: by.clone(), note: String::new() },
        Event::NodeReleased { node, run: run(), by: by.clone(), note: "one tray is out".into() },
        Event::RunPaused { reason, by: Some(by), now: true },
    ];
    let lines: Vec<String> = events.iter().map(|event| event::text(event, None)).collect();
    insta::assert_snapshot!(anstream::adapter::strip_str(&lines.join("\n")).to_string());
}

#[tokio::test(start_paused = true)]
async fn the_report_names_the_nodes_without_which_a_run_ended() {
    let coordinator = paused(&Fleet::new()).await;
    let mut seen = coordinator.report(None).unwrap();
    let reason = seen.paused.clone().unwrap();
    let step = StepId::new("workers/dgx031/drain").unwrap();
    seen.failed = vec![FailedNode { name: name("dgx031"), step, reason, cordoned: true }];
    seen.left_out =
        vec![LeftOut { node: name("dgx030"), why: "--without rack=r7".into(), unready: false, until: None }];
    seen.lost = [(name("runai-03"), "eve".to_string())].into();
    let text = report::markdown(&seen);
    for part in [
        "## Failed workers\n\n- dgx031 at `workers/dgx031/drain`, left cordoned: ",
        "## Left out by the plan\n\n- dgx030: --without rack=r7\n",
        "## Lost\n\n- runai-03, declared by eve\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_bar_shows_every_state_in_its_place() {
    let of = |states: &[(&str, usize)]| -> String {
        let row = |state: &str| NodeRow {
            name: name("dgx030"),
            role: podlift_engine::NodeRole::Worker,
            state: state.into(),
            kubelet: None,
            api_server: None,
            step: None,
            reason: None,
            guard: "steady".into(),
            connected: true,
            age_seconds: 1,
            stale: false,
            kubeadm: None,
            agent: String::new(),
            free_bytes: 0,
            seconds: None,
            usual_seconds: None,
            late: false,
        };
        let rows: Vec<NodeRow> = states.iter().flat_map(|(s, n)| std::iter::repeat_n(row(s), *n)).collect();
        fleet::bar(&rows, 24).into_iter().map(|(s, n)| fleet::symbol(s).to_string().repeat(n)).collect()
    };
    assert_eq!(of(&[("pending", 3), ("failed", 1)]), "!...");
    assert_eq!(of(&[("upgraded", 1999), ("failed", 1)]), format!("!{}", "#".repeat(23)));
    assert_eq!(of(&[("upgraded", 1000), ("pending", 1000), ("working", 8)]).len(), 24);
    assert_eq!(of(&[]), "");
}

#[tokio::test(start_paused = true)]
async fn one_node_in_full() {
    let coordinator = paused(&Fleet::new()).await;
    let mut detail = coordinator.node(None, &name("runai-01"), 4).unwrap();
    (detail.row.age_seconds, detail.row.stale, detail.session_seconds) = (2, false, Some(3720));
    detail.steps.truncate(4);
    insta::assert_snapshot!(
        on_screens(|s| node::node(&detail, s)).replace(detail.events[0].hash.as_str(), "HASH")
    );
}

#[tokio::test(start_paused = true)]
async fn every_run_in_a_row() {
    let coordinator = paused(&Fleet::new()).await;
    let mut seen = coordinator.runs();
    let mut older = seen.runs[0].clone();
    older.summary.run = RunId::new("20261101-220000-4f00").unwrap();
    older.summary.status = "succeeded".into();
    (older.seconds, older.deferred, older.summary.heals) = (7500.0, 1, 3);
    seen.runs.push(older);
    insta::assert_snapshot!(on_screens(|s| runs::runs(&seen, s)));
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
    let records = podlift_coordinator::testing::records(coordinator.store(), 0);
    let lines: Vec<String> = records.iter().map(|record| event::line(record, None)).collect();
    let plain = anstream::adapter::strip_str(&lines.join("\n")).to_string();
    insta::assert_snapshot!(plain.replace(hash.short(), "HASH"));
}

#[tokio::test(start_paused = true)]
async fn errors_say_what_why_and_what_next() {
    let fleet = Fleet::new();
    let coordinator = paused(&fleet).await;
    let ask = PlanAsk::to("v1.32.9".parse().unwrap());
    let other = PlanAsk::to("v1.33.1".parse().unwrap());
    let command = podlift_coordinator::core::Command::Resume;
    let unwaive = podlift_coordinator::core::Command::Unwaive { check: "flag-loss".into() };
    let nope = RunId::new("nope").unwrap();
    let errors = [
        coordinator.start_run(&ask, None, "eve").await.err().unwrap(),
        coordinator.plan(&other, "eve").await.err().unwrap(),
        coordinator.command(None, command, "eve").await.err().unwrap(),
        coordinator.command(None, unwaive, "eve").await.err().unwrap(),
        coordinator.report(Some(&nope)).err().unwrap(),
        coordinator.node(None, &name("runai1"), 20).err().unwrap(),
        coordinator.node(None, &name("elsewhere"), 20).err().unwrap(),
        coordinator.selected(None, "role in worker").err().unwrap(),
        CoordinatorError::NodeBusy {
            node: name("dgx030"),
            step: StepId::new("workers/dgx030/drain").unwrap(),
        },
        CoordinatorError::StepFailed { step: StepId::new("workers/dgx030/drain").unwrap() },
        CoordinatorError::NoRun,
        CoordinatorError::NoRunEver,
        Failure::permanent("x", "the API refused the patch")
            .with_detail("409 Conflict\nconflict on spec")
            .into(),
    ];
    let error = |status: Status| CliError::from(podlift_client::Error::from(status));
    let mut shown: Vec<CliError> = errors.iter().map(|e| error(to_status(e))).collect();
    shown.extend([Status::unavailable("connection reset"), Status::unimplemented("")].map(error));
    for error in &shown {
        let command = error.next.split_whitespace().next();
        let known = ["podlift", "systemctl", "apt-get", "kubectl", "ssh"];
        assert!(command.is_some_and(|c| known.contains(&c)), "{error:?}: what is next must be a command");
    }
    let shown: Vec<String> = shown
        .iter()
        .map(|e| format!("{}\n({:?})", anstream::adapter::strip_str(&e.render()), e.exit))
        .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}
