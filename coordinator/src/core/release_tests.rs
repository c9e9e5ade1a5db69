//! Cordons that an ended run has left, nodes that are lost, and options that change in a run.

use super::{Command, CoordinatorError};
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, Running, name, records, start};
use podlift_engine::machine::{Event, RunState, RunStatus};
use podlift_model::Failure;
use std::sync::Arc;

async fn say(r: &Running, command: Command) -> Result<String, CoordinatorError> {
    r.coordinator.command(None, command, "eve").await
}

fn paused(s: &RunState) -> bool {
    matches!(s.status, RunStatus::Paused { .. })
}

fn release(node: &str, reason: &str, force: bool) -> Command {
    Command::NodeRelease { node: name(node), reason: reason.into(), force }
}

/// A run that stopped with a worker half upgraded, and was aborted.
async fn half_upgraded(fleet: &Arc<Fleet>, journal: &MemoryJournal) -> Running {
    let r = start(fleet, journal, "one");
    let run = r.upgrade().await;
    r.until(&run, |_| fleet.lock().effects.iter().any(|(n, v, _)| n == "dgx030" && v == "cordon")).await;
    fleet
        .lock()
        .failing
        .insert("kubelet-restart".into(), vec![Failure::permanent("unit-failed", "kubelet does not start")]);
    r.until(&run, paused).await;
    say(&r, Command::Abort { reason: "enough".into() }).await.unwrap();
    r.until(&run, RunState::is_over).await;
    r
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_not_whole_stays_cordoned_and_is_released_when_it_is() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = half_upgraded(&fleet, &journal).await;
    let state = r.coordinator.store().newest().unwrap();
    let RunStatus::Aborted { left, .. } = &state.status else { panic!("{:?}", state.status) };
    let line = left.iter().find(|l| l.contains("podlift node release dgx030"));
    assert!(line.is_some_and(|l| l.contains("stays cordoned")), "{left:#?}");
    assert!(fleet.lock().views[&name("dgx030")].unschedulable);

    let refused = say(&r, release("dgx030", "", false)).await.unwrap_err();
    assert!(
        matches!(&refused, CoordinatorError::NotReleased { why, .. } if why.contains("not whole")),
        "{refused:?}"
    );
    let said = say(&r, release("dgx030", "mended by hand", true)).await.unwrap();
    assert!(said.contains("is schedulable"), "{said}");
    assert!(!fleet.lock().views[&name("dgx030")].unschedulable);
    let noted = records(r.coordinator.store(), 0).into_iter().filter_map(|r| match r.event {
        Event::NodeReleased { node, note, .. } => Some((node, note)),
        _ => None,
    });
    let noted: Vec<_> = noted.collect();
    assert!(noted.len() == 1 && noted[0].1.contains("mended by hand"), "{noted:?}");
    assert!(say(&r, release("dgx030", "", false)).await.unwrap().contains("schedulable already"));
}

#[tokio::test(start_paused = true)]
async fn only_cordons_of_ended_runs_of_this_journal_are_released() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    r.commanding().await;
    fleet.lock().views.get_mut(&name("dgx030")).unwrap().unschedulable = true;
    let why = |e: CoordinatorError| match e {
        CoordinatorError::NotReleased { why, next, .. } => (why, next),
        other => panic!("{other:?}"),
    };
    let (text, next) = why(say(&r, release("dgx030", "x", true)).await.unwrap_err());
    assert!(text.contains("another person or program") && next == "kubectl uncordon dgx030", "{text} {next}");
    let epoch = podlift_model::Epoch { number: 1, instance: podlift_model::InstanceId::new("gone").unwrap() };
    let run = podlift_model::RunId::new("unknown").unwrap();
    let owner = podlift_engine::doors::Owner { run, epoch, over: false };
    fleet.lock().views.get_mut(&name("dgx030")).unwrap().owner = Some(owner);
    let (text, _) = why(say(&r, release("dgx030", "x", true)).await.unwrap_err());
    assert!(text.contains("does not know as ended") && text.contains("podlift.io/owner-"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_node_leaves_the_run_and_the_commands_are_shown() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    let lost = |node: &str| Command::NodeLost { node: name(node) };
    assert!(matches!(say(&r, lost("runai-03")).await, Err(CoordinatorError::NotLost { .. })));
    fleet.lock().offline.insert(name("runai-03"));
    // Without an agent the node still serves: its kubelet, its API server and its member of etcd say so.
    let why = |e: CoordinatorError| match e {
        CoordinatorError::NotLost { why, .. } => why,
        other => panic!("{other:?}"),
    };
    assert!(why(say(&r, lost("runai-03")).await.unwrap_err()).contains("reports Ready"));
    fleet.lock().views.get_mut(&name("runai-03")).unwrap().ready = false;
    let said = say(&r, lost("runai-03")).await.unwrap();
    assert!(said.contains(&format!("has left run {run}")), "{said}");
    assert!(
        said.contains("member remove 3   # on runai-") && said.contains("kubectl delete node runai-03"),
        "{said}"
    );
    let state = r.coordinator.store().run(&run).unwrap();
    assert!(state.lost.contains_key(&name("runai-03")));
}

#[tokio::test(start_paused = true)]
async fn an_option_that_means_nothing_is_refused_and_another_is_taken() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    let set = |option: &str, value: &str| Command::Set { option: option.into(), value: value.into() };
    for (option, value) in [("max-unavailable", "0"), ("max-unavailable", "many"), ("soak", "3")] {
        let refused = say(&r, set(option, value)).await.unwrap_err();
        assert!(matches!(refused, CoordinatorError::BadOption { .. }), "{refused:?}");
    }
    say(&r, set("max-unavailable", "2")).await.unwrap();
    assert_eq!(r.coordinator.store().run(&run).unwrap().max_unavailable, 2);
}

#[tokio::test(start_paused = true)]
async fn the_mark_of_an_ended_run_is_removed_from_a_node_that_a_person_has_uncordoned() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = half_upgraded(&fleet, &journal).await;
    fleet.lock().views.get_mut(&name("dgx030")).unwrap().unschedulable = false;
    assert!(fleet.lock().views[&name("dgx030")].owner.is_some(), "kubectl uncordon leaves it");
    let said = say(&r, release("dgx030", "", false)).await.unwrap();
    assert!(said.contains("the mark that run"), "{said}");
    assert!(fleet.lock().views[&name("dgx030")].owner.is_none());
    assert_eq!(say(&r, release("dgx030", "", false)).await.unwrap(), "dgx030 is schedulable already");
}
