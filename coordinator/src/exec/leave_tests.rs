//! Nodes that leave a run: what is undone on them, and what stays.

use super::tests::{code, paused, say, succeeded};
use crate::core::{Command, CoordinatorError, PlanAsk};
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, name, start};
use podlift_common::wire::StatusError as _;
use podlift_engine::machine::RunState;
use podlift_model::Failure;

#[tokio::test(start_paused = true)]
async fn a_node_that_died_with_an_open_op_can_be_left_out() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    let lost = name("dgx030");
    let open =
        |s: &RunState| s.steps.iter().any(|(id, x)| id.as_str().contains("dgx030/install") && x.is_open());
    let there =
        |s: &RunState| s.steps.iter().any(|(id, x)| id.as_str() == "canary/dgx030/drain" && x.is_over());
    r.until(&run, there).await;
    fleet.lock().unheard.insert("package-install".into(), 1);
    r.until(&run, open).await;
    let defer = || Command::Defer { node: lost.clone(), reason: "mainboard".into(), until: None };
    let busy = say(&r, defer()).await.unwrap_err();
    assert_eq!(busy.info().next, "podlift pause --now", "a plain pause lets the lane go on op after op");
    assert!(
        matches!(&busy, CoordinatorError::NodeBusy { node, .. } if *node == lost),
        "its agent is there: {busy}"
    );
    fleet.lock().offline.insert(lost.clone());
    let state = r.until(&run, paused).await;
    assert_eq!(code(&state), "agent-unreachable");
    say(&r, defer()).await.unwrap();
    let reason = || r.coordinator.store().run(&run).unwrap().why_deferred(&lost).unwrap();
    let (stays, next) = ("; dgx030 stays cordoned by run ", "podlift node release dgx030");
    let text = reason();
    assert!(text.starts_with("mainboard; ") && text.contains(stays) && text.contains(next), "{text}");
    // The printed command works while the run is open.
    let release = |force| Command::NodeRelease { node: lost.clone(), reason: "it is new".into(), force };
    assert!(
        matches!(say(&r, release(false)).await, Err(CoordinatorError::NotReleased { why, .. }) if why.contains("can't be looked at"))
    );
    say(&r, release(true)).await.unwrap();
    let text = reason();
    assert!(!fleet.lock().views[&lost].unschedulable && !text.contains("cordoned"), "{text}");
    assert!(text.contains("image-pull could not be undone"), "what stays besides is still listed: {text}");
    say(&r, Command::Resume).await.unwrap();
    let state = r.until(&run, succeeded).await;
    assert!(
        state
            .indeterminate
            .iter()
            .any(|(step, _, why)| step.as_str().contains("dgx030") && why.contains("mainboard"))
    );
}

#[tokio::test(start_paused = true)]
async fn pods_that_forbid_a_drain_pause_and_the_node_can_be_left_out() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let refused = vec!["cannot delete Pods that declare no controller: a/b".into()];
    fleet.lock().refused_pods.insert(name("dgx030"), refused);
    let r = start(&fleet, &journal, "one");
    let run = r.upgrade().await;
    let state = r.until(&run, paused).await;
    assert_eq!(code(&state), "drain-refused");
    assert!(fleet.lock().views[&name("dgx030")].unschedulable, "the cordon stays");
    say(&r, Command::Defer { node: name("dgx030"), reason: "bare pod".into(), until: None }).await.unwrap();
    assert!(!fleet.lock().views[&name("dgx030")].unschedulable, "what is ours goes back");
    say(&r, Command::Resume).await.unwrap();
    r.until(&run, succeeded).await;
    let status = r.coordinator.status(None).unwrap();
    assert_eq!(status.nodes.iter().find(|n| n.name == name("dgx030")).unwrap().state, "deferred");
}

#[tokio::test(start_paused = true)]
async fn the_pins_of_a_worker_that_was_set_aside_are_released_at_the_end_and_its_cordon_stays() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let r = start(&fleet, &journal, "one");
    r.commanding().await;
    let ask = PlanAsk { max_failed: "2".parse().ok(), ..PlanAsk::to("v1.32.9".parse().unwrap()) };
    let (run, _) = r.coordinator.start_run(&ask, None, "eve").await.unwrap();
    r.until(&run, |_| fleet.lock().effects.iter().any(|(n, v, _)| n == "dgx030" && v == "cordon")).await;
    let failure = Failure::permanent("unit-failed", "kubelet does not start");
    fleet.lock().failing.insert("kubelet-restart".into(), vec![failure]);
    let released = || fleet.lock().effects.iter().any(|(n, v, _)| n == "dgx030" && v == "image-release");
    r.until(&run, |s| s.set_aside.contains_key(&name("dgx030"))).await;
    assert!(!released(), "a retry may need the images");
    r.until(&run, succeeded).await;
    assert!(released() && fleet.lock().views[&name("dgx030")].unschedulable);
}
