//! Runs that go through BCM's software images: the ops of the head node's agent, what they survive, and that a head node is no node.

use crate::core::{Command, Coordinator, CoordinatorError, PlanAsk, Settings};
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, HEAD, Running, assemble, name, options, start, store};
use podlift_engine::machine::{Event, RunState, RunStatus, StepStatus};
use podlift_model::bcm::{ImageFrom, ImageName};
use podlift_model::{Look, OpOutcome, RunId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

fn with_bcm() -> Arc<Fleet> {
    let fleet = Fleet::new();
    fleet.lock().add_bcm();
    fleet
}

fn succeeded(s: &RunState) -> bool {
    s.status == RunStatus::Succeeded
}

fn paused(s: &RunState) -> bool {
    matches!(s.status, RunStatus::Paused { .. })
}

fn image(text: &str) -> ImageName {
    ImageName::new(text).unwrap()
}

/// Ops of the head node that took effect.
fn of_head(fleet: &Fleet) -> Vec<String> {
    let s = fleet.lock();
    s.effects.iter().filter(|(node, _, _)| node == HEAD).map(|(_, verb, _)| verb.clone()).collect()
}

/// Whether a wait for this reason is in the journal.
fn waited(journal: &MemoryJournal, why: &str) -> bool {
    let waits = |event: &Event| matches!(event, Event::StepWaiting { reason, .. } if reason.contains(why));
    journal.records().iter().any(|record| waits(&record.event))
}

async fn say(r: &Running, command: Command) -> String {
    r.coordinator.command(None, command, "eve").await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn nodes_are_upgraded_through_their_images_and_bcm_s_books_agree() {
    let (fleet, journal) = (with_bcm(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    let state = r.until(&run, succeeded).await;
    let done = of_head(&fleet);
    assert_eq!(done.iter().filter(|verb| *verb == "bcm-image-clone").count(), 2, "{done:?}");
    assert_eq!(done.iter().filter(|verb| *verb == "bcm-sync").count(), 2, "{done:?}");
    {
        let mut s = fleet.lock();
        let site = s.bcm_site();
        assert_eq!(site.recorded.to_string(), "1.32.9-1.1");
        let worker = &site.nodes[&name("dgx030")];
        assert_eq!(
            (worker.image.as_ref(), worker.from),
            (Some(&image("dgx-image-k8s-1.32.9")), ImageFrom::Category)
        );
        assert_eq!(
            site.images[&image("dgx-image")].packages["kubelet"].version.as_ref().unwrap().to_string(),
            "1.31.9-1.1"
        );
        assert!(site.images.values().all(|image| !image.locked));
    }
    assert_eq!(state.plan.inventory.nodes.len(), 5);
    let status = r.coordinator.status(Some(&run)).unwrap();
    let rows: BTreeSet<&str> = status.nodes.iter().map(|row| row.name.as_str()).collect();
    assert!(!rows.contains(HEAD) && rows.len() == 5, "{rows:?}");
    assert!(r.coordinator.node(Some(&run), &name(HEAD), 1).is_err(), "a head node is no node");
}

#[tokio::test(start_paused = true)]
async fn while_the_head_node_s_agent_is_away_the_run_waits_and_says_for_whom() {
    let (fleet, journal) = (with_bcm(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    fleet.lock().offline.insert(name(HEAD));
    while !waited(&journal, "waits for the agent of head node head-01: it is not connected") {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let state = r.coordinator.store().run(&run).unwrap();
    assert_eq!((state.status.clone(), state.deferred.len()), (RunStatus::Running, 0));
    fleet.lock().offline.remove(&name(HEAD));
    r.until(&run, succeeded).await;
}

#[tokio::test(start_paused = true)]
async fn an_op_whose_end_was_not_heard_is_asked_for_and_not_repeated() {
    let (fleet, journal) = (with_bcm(), MemoryJournal::new());
    for verb in ["bcm-image-clone", "bcm-image-packages", "bcm-assign", "bcm-sync", "bcm-cluster-version"] {
        fleet.lock().unheard.insert(verb.into(), 1);
    }
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, succeeded).await;
    let done = of_head(&fleet);
    let times = |verb: &str| done.iter().filter(|v| *v == verb).count();
    let images = (times("bcm-image-clone"), times("bcm-image-packages"));
    let nodes = (times("bcm-assign"), times("bcm-sync"));
    let workers_and_servers = 2 + 3;
    assert_eq!((images, nodes), ((2, 2), (workers_and_servers, 2)), "{done:?}");
    assert_eq!(times("bcm-cluster-version"), 1, "{done:?}");
}

/// Runs until the first op of this verb is open without a known end, and kills the coordinator.
async fn killed_with_open(fleet: &Arc<Fleet>, journal: &MemoryJournal, verb: &str) -> RunId {
    fleet.lock().unheard.insert(verb.into(), u32::MAX);
    let r = start(fleet, journal, "one");
    let run = r.upgrade().await;
    while !of_head(fleet).iter().any(|done| done == verb) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(r);
    tokio::task::yield_now().await;
    fleet.lock().unheard.remove(verb);
    run
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_was_killed_asks_the_head_node_s_agent_what_became_of_the_op() {
    let (fleet, journal) = (with_bcm(), MemoryJournal::new());
    let run = killed_with_open(&fleet, &journal, "bcm-sync").await;
    let r = start(&fleet, &journal, "two");
    r.until(&run, succeeded).await;
    let times = of_head(&fleet).iter().filter(|verb| *verb == "bcm-sync").count();
    assert_eq!(times, 2, "once for each worker");
}

#[tokio::test(start_paused = true)]
async fn after_a_failover_the_op_is_looked_at_again_on_the_other_head_node() {
    let (fleet, journal) = (with_bcm(), MemoryJournal::new());
    let run = killed_with_open(&fleet, &journal, "bcm-image-packages").await;
    {
        let mut s = fleet.lock();
        s.offline.insert(name(HEAD));
        s.add_head("head-02");
    }
    let before = of_head(&fleet).len();
    let settings = Settings { options: options(), ..Settings::default() };
    let coordinator = other_head(&fleet, &journal, settings);
    let r = Running::of(coordinator);
    r.until(&run, succeeded).await;
    let unknown = |event: &Event| {
        matches!(event, Event::OpEnded { outcome: OpOutcome::Indeterminate { why }, .. }
            if why.contains("BCM has failed over to this head node"))
    };
    assert!(journal.records().iter().any(|record| unknown(&record.event)));
    let on = |head: &str| fleet.lock().effects.iter().filter(|(node, _, _)| node == head).count();
    assert!(on("head-02") > 0);
    assert_eq!(on(HEAD), before, "nothing goes to the head node that is gone");
    let said: Vec<Event> = journal
        .records()
        .into_iter()
        .map(|record| record.event)
        .filter(|event| event.name() == "head-acts")
        .collect();
    assert_eq!(said, [Event::HeadActs { head: name("head-02") }], "once, with the head node that acts now");
}

/// A coordinator whose configuration names the other head node.
fn other_head(fleet: &Arc<Fleet>, journal: &MemoryJournal, settings: Settings) -> Arc<Coordinator> {
    crate::testing::assemble_at(fleet, store(journal), "two", settings, Some(name("head-02")))
}

#[tokio::test(start_paused = true)]
async fn an_open_op_of_a_head_node_that_stays_away_pauses_the_run_with_the_way_on() {
    let (fleet, journal) = (with_bcm(), MemoryJournal::new());
    let run = killed_with_open(&fleet, &journal, "bcm-image-packages").await;
    fleet.lock().offline.insert(name(HEAD));
    let r = start(&fleet, &journal, "two");
    let state = r.until(&run, paused).await;
    let RunStatus::Paused { reason, .. } = &state.status else { panic!("{:?}", state.status) };
    assert!(reason.message.contains("waits for the agent of head node head-01"), "{}", reason.message);
    assert!(reason.message.contains("set [bcm] head to the active head node"), "{}", reason.message);
    assert_eq!(reason.next, "podlift resume");
    fleet.lock().offline.remove(&name(HEAD));
    say(&r, Command::Resume).await;
    r.until(&run, succeeded).await;
}

#[tokio::test(start_paused = true)]
async fn an_older_agent_of_the_head_node_fails_the_step_with_what_to_do() {
    let (fleet, journal) = (with_bcm(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    fleet.lock().bcm_site().old = true;
    let state = r.until(&run, paused).await;
    let failed = state.steps.values().find_map(|step| match &step.status {
        StepStatus::Failed { reason } => Some(reason.clone()),
        _ => None,
    });
    let message = failed.unwrap().message;
    assert!(message.contains("install the package podlift-agent of this version there"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn an_abort_removes_the_clones_after_the_nodes_have_their_images_back() {
    let (fleet, journal) = (with_bcm(), MemoryJournal::new());
    // The first worker has its new image in BCM, and was not written from it.
    fleet.lock().bcm_site().idle.insert("bcm-sync-dry-run");
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    r.until(&run, paused).await;
    let (clone, of_planes) = (image("dgx-image-k8s-1.32.9"), image("k8s-image-k8s-1.32.9-control-plane"));
    let row = |fleet: &Fleet, node: &str| fleet.lock().bcm_site().nodes[&name(node)].clone();
    assert_eq!(row(&fleet, "dgx030").image, Some(clone.clone()));
    let before = of_head(&fleet).len();
    say(&r, Command::Abort { reason: "enough".into() }).await;
    let state = r.until(&run, RunState::is_over).await;
    let RunStatus::Aborted { left, undone } = &state.status else { panic!("{:?}", state.status) };
    let back = row(&fleet, "dgx030");
    assert_eq!((back.image, back.from), (Some(image("dgx-image")), ImageFrom::Category), "{undone:#?}");
    let done: Vec<String> = of_head(&fleet).split_off(before);
    let place = |verb: &str| done.iter().position(|v| v == verb);
    let (follows, removed) = (place("bcm-follow-category"), place("bcm-image-remove"));
    assert!(follows.is_some() && removed.is_some() && follows < removed, "{done:?}");
    assert_eq!(done.iter().filter(|verb| *verb == "bcm-image-remove").count(), 1, "{done:?}");
    let mut s = fleet.lock();
    let images = &s.bcm_site().images;
    assert!(!images.contains_key(&clone), "undone {undone:#?}; left {left:#?}");
    assert!(images.contains_key(&of_planes), "the control plane runs with it");
    assert!(images.values().all(|image| !image.locked));
}

#[tokio::test(start_paused = true)]
async fn looks_of_lanes_at_the_same_time_are_one_question_and_never_older_than_an_op() {
    let fleet = with_bcm();
    let settings = Settings { options: options(), ..Settings::default() };
    let coordinator = assemble(&fleet, store(&MemoryJournal::new()), "one", settings);
    let performer = coordinator.performer();
    let head = name(HEAD);
    let see = || performer.see(&head, &Look::BcmNodes);
    let asked = || fleet.lock().bcm_site().asked.len();
    let (a, b, c) = tokio::join!(see(), see(), see());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(asked(), 1);
    let later = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        performer.head_looks.op_ended();
        see().await
    };
    let (_, fresh) = tokio::join!(see(), later);
    assert!(fresh.is_ok());
    assert_eq!(asked(), 3, "a look after an op is its own");
}

#[tokio::test(start_paused = true)]
async fn the_clusters_of_bcm_are_shown_and_a_refusal_says_what_to_do() {
    let fleet = with_bcm();
    let settings = || Settings { options: options(), ..Settings::default() };
    let coordinator = assemble(&fleet, store(&MemoryJournal::new()), "one", settings());
    let shown = coordinator.clusters().await.unwrap();
    let rows: Vec<(&str, bool)> = shown.clusters.iter().map(|row| (row.name.as_str(), row.served)).collect();
    assert_eq!(rows, [("k8s-admin", false), ("runaicluster", true)]);
    assert_eq!((shown.head.as_str(), shown.problem), (HEAD, None));
    fleet.lock().offline.insert(name(HEAD));
    let away = coordinator.clusters().await.unwrap_err();
    assert!(
        matches!(&away, CoordinatorError::BcmUnknown { why } if why.contains("head node head-01")),
        "{away:?}"
    );
    let without = assemble(&Fleet::new(), store(&MemoryJournal::new()), "one", settings());
    assert!(matches!(without.clusters().await, Err(CoordinatorError::NoBcm)));
}

#[tokio::test(start_paused = true)]
async fn a_takeover_is_above_the_epoch_of_the_head_node_s_agent() {
    let (fleet, journal) = (with_bcm(), MemoryJournal::new());
    let other = podlift_model::Epoch { number: 40, instance: "gone".parse().unwrap() };
    fleet.lock().epochs.insert(name(HEAD), other);
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    let state = r.until(&run, paused).await;
    assert!(r.coordinator.fence().commanding().is_some(), "a head node has no vote");
    let RunStatus::Paused { reason, .. } = &state.status else { panic!("{:?}", state.status) };
    assert!(reason.message.contains("podlift takeover"), "{}", reason.message);
    say(&r, Command::Takeover).await;
    assert!(r.coordinator.fence().epoch().unwrap().number > 40);
    say(&r, Command::Retry { step: None, repair_dpkg: false }).await;
    r.until(&run, succeeded).await;
}

/// A plan asks BCM, and the run that is made of it has BCM's part.
#[tokio::test(start_paused = true)]
async fn a_plan_has_the_images_of_its_nodes() {
    let fleet = with_bcm();
    let settings = Settings { options: options(), ..Settings::default() };
    let coordinator = assemble(&fleet, store(&MemoryJournal::new()), "one", settings);
    let plan = coordinator.plan(&PlanAsk::to("v1.32.9".parse().unwrap()), "eve").await.unwrap();
    let bcm = plan.bcm.as_ref().unwrap();
    assert_eq!((bcm.head.as_str(), bcm.images.len(), bcm.nodes.len()), (HEAD, 2, 5));
    assert_eq!(plan.blockers().map(|f| f.evidence.clone()).collect::<Vec<_>>(), Vec::<String>::new());
}
