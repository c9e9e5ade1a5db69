//! After a failure and in a pause: lanes that have begun end, none begins. Failed workers within the budget are set aside and named.

mod moves;
mod undo;

use super::tests::{Tape, failure};
use super::*;
use crate::goals::PlanInput;
use crate::program::{Evidence, LeftOut, Limit, StopReason};
use crate::testing::{input, name};
use jiff::Timestamp;
use podlift_model::{NodeName, OpOutcome, StepId};
use proptest::prelude::*;

fn id(text: &str) -> StepId {
    StepId::new(text).unwrap()
}

fn seen() -> Evidence {
    Evidence::Seen { what: "seen".into() }
}

/// All workers are in one phase, two at a time.
fn two_at_a_time(max_failed: Option<&str>) -> PlanInput {
    let mut i = input();
    (i.options.canary, i.options.max_unavailable) = (0, 2);
    i.options.max_failed = max_failed.map(|text| text.parse().unwrap());
    i
}

/// Runs until this step is one of the next.
fn until(tape: &mut Tape, wanted: &str) -> StepId {
    loop {
        let todo = tape.todo();
        if let Some(step) = todo.iter().find(|step| step.as_str() == wanted) {
            return step.clone();
        }
        // Of lanes side by side, only the wanted one goes on.
        let node = wanted.split('/').nth(1).unwrap();
        let step = todo.iter().find(|step| step.as_str().contains(node)).unwrap_or(&todo[0]);
        tape.complete(step);
    }
}

/// Records what the runner does by itself: deferrals, workers that are set aside, and pauses.
fn settle(tape: &mut Tape) -> Vec<&'static str> {
    let mut out = vec![];
    loop {
        let event = match next(tape.state()) {
            Next::Defer { node, reason } => {
                Event::NodeDeferred { node, reason, by: "podlift".into(), until: None }
            }
            Next::SetAside { node, step, reason } => Event::NodeSetAside { node, step, reason: *reason },
            Next::Pause(reason) => Event::RunPaused { reason: *reason, by: None, now: false },
            _ if undo(tape) => continue,
            _ => return out,
        };
        out.push(event.name());
        tape.add(event).unwrap();
    }
}

fn fail(tape: &mut Tape, step: &StepId) {
    tape.add(Event::StepFailed { step: step.clone(), reason: failure() }).unwrap();
}

fn retry(tape: &mut Tape, step: Option<&StepId>) -> Result<(), IllegalEvent> {
    tape.add(Event::RetryAsked { step: step.cloned(), by: "me".into(), repair_dpkg: false })
}

fn pause(tape: &mut Tape, now: bool) -> Result<(), IllegalEvent> {
    tape.add(Event::RunPaused { reason: failure(), by: Some("me".into()), now })
}

fn drive_to_rest(tape: &mut Tape) {
    loop {
        while let Some(step) = tape.todo().first().cloned() {
            tape.complete(&step);
        }
        if !undo(tape) {
            return;
        }
    }
}

/// Records the undo of nodes that have left the run. True if one was due.
fn undo(tape: &mut Tape) -> bool {
    let due: Vec<NodeName> = tape.state().to_undo().map(|(node, _)| node.clone()).collect();
    for node in &due {
        tape.add(Event::NodeUndone { node: node.clone(), undone: vec![], left: vec![] }).unwrap();
    }
    !due.is_empty()
}

fn cordoned(tape: &Tape) -> Vec<NodeName> {
    let nodes = tape.state().plan.inventory.nodes.iter().map(|n| n.name.clone());
    nodes.filter(|n| tape.state().left_cordoned(n)).collect()
}

#[test]
fn a_failure_lets_the_lanes_that_have_begun_go_to_their_end_and_begins_none() {
    let mut tape = Tape::of(&two_at_a_time(None));
    until(&mut tape, "workers/dgx030/drain");
    let cordon = until(&mut tape, "workers/dgx031/cordon");
    tape.complete(&cordon);
    let drain = id("workers/dgx030/drain");
    fail(&mut tape, &drain);
    assert_eq!(settle(&mut tape), ["run-paused"], "the first worker's failure stops the run");
    assert_eq!(tape.todo(), [id("workers/dgx031/drain")]);
    assert!(tape.state().may_act(&id("workers/dgx031/drain")) && tape.state().is_finishing());
    assert!(!tape.state().may_act(&id("workers/dgx032/node-reachable")));
    drive_to_rest(&mut tape);
    assert_eq!(next(tape.state()), Next::Rest);
    assert_eq!(cordoned(&tape), [name("dgx030")], "dgx031 was brought to its end");
    assert_eq!(tape.state().steps[&id("workers/dgx032/node-reachable")].status, StepStatus::Pending);
}

#[test]
fn a_pause_ends_what_has_begun_and_a_pause_now_only_the_running_ops() {
    let mut tape = Tape::of(&two_at_a_time(None));
    until(&mut tape, "workers/dgx030/drain");
    // This lane has only looked at its node.
    let reachable = id("workers/dgx031/node-reachable");
    tape.add(Event::StepDone { step: reachable, evidence: seen() }).unwrap();
    pause(&mut tape, false).unwrap();
    assert_eq!(tape.todo(), [id("workers/dgx030/drain")]);
    assert!(
        !tape.state().may_act(&id("workers/dgx031/cordon")),
        "a node that was only looked at is not cordoned"
    );
    assert!(matches!(pause(&mut tape, false), Err(IllegalEvent::Status { .. })));
    pause(&mut tape, true).unwrap();
    assert_eq!(next(tape.state()), Next::Rest);
    assert!(!tape.state().may_act(&id("workers/dgx030/drain")));
    tape.add(Event::RunResumed { by: "me".into() }).unwrap();
    assert_eq!(tape.todo(), [id("workers/dgx030/drain"), id("workers/dgx031/cordon")]);
}

#[test]
fn an_op_that_runs_ends_in_every_pause() {
    let mut tape = Tape::of(&two_at_a_time(None));
    let step = until(&mut tape, "workers/dgx030/install-kubeadm");
    let (attempt, op_id) = tape.state().next_op(&tape.state().plan.step(&step).unwrap().clone());
    tape.add(Event::StepStarted { step: step.clone(), attempt, op_id: op_id.clone(), ledger: None }).unwrap();
    pause(&mut tape, true).unwrap();
    assert_eq!(tape.todo(), std::slice::from_ref(&step));
    tape.add(Event::OpEnded { step: step.clone(), op_id, outcome: OpOutcome::changed("x") }).unwrap();
    tape.add(Event::StepDone { step, evidence: seen() }).unwrap();
    assert_eq!(next(tape.state()), Next::Rest);
}

#[test]
fn workers_fail_within_the_budget_and_the_run_ends_without_them() {
    let mut tape = Tape::of(&two_at_a_time(Some("2")));
    let step = until(&mut tape, "workers/dgx030/kubelet-restart");
    fail(&mut tape, &step);
    assert_eq!(settle(&mut tape), ["node-set-aside"]);
    assert!(tape.todo().iter().all(|step| !step.as_str().contains("dgx030")));
    drive_to_rest(&mut tape);
    assert_eq!(next(tape.state()), Next::Succeed);
    tape.add(Event::RunSucceeded).unwrap();
    assert_eq!(cordoned(&tape), [name("dgx030")]);
    let report = crate::view::report(tape.state(), Timestamp::UNIX_EPOCH);
    assert_eq!((report.failed[0].name.clone(), report.failed[0].cordoned), (name("dgx030"), true));
    let row = report.checks.iter().find(|c| c.id == "nodes-failed").unwrap();
    assert!(row.result == "failed" && row.evidence.contains("dgx030: failed, left cordoned: m"), "{row:?}");
    let node = report.nodes.iter().find(|n| n.name == name("dgx030")).unwrap();
    assert_eq!((node.result.as_str(), node.reason.as_deref()), ("failed", Some("failed, left cordoned: m")));
    let summary = crate::view::summary(tape.state());
    assert_eq!(summary.failed, report.failed);
}

#[test]
fn the_last_failure_of_the_budget_pauses_and_names_them_all() {
    let mut tape = Tape::of(&two_at_a_time(Some("2")));
    let step = until(&mut tape, "workers/dgx030/cordon");
    fail(&mut tape, &step);
    settle(&mut tape);
    let second = until(&mut tape, "workers/dgx031/drain");
    fail(&mut tape, &second);
    assert_eq!(settle(&mut tape), ["run-paused"]);
    let RunStatus::Paused { reason } = &tape.state().status else { panic!() };
    assert_eq!(reason.code, podlift_model::codes::BUDGET_SPENT);
    assert!(
        reason.message.starts_with("2 workers have failed, and the run goes on only while fewer than 2 have")
    );
    assert!(reason.message.contains("workers/dgx031/drain: m; before: dgx030 (m)"), "{}", reason.message);
}

#[test]
fn a_retry_takes_up_all_that_have_failed_or_the_one_that_it_names() {
    let started = || {
        let mut tape = Tape::of(&two_at_a_time(Some("3")));
        for step in ["workers/dgx030/kubelet-restart", "workers/dgx031/drain"] {
            let step = until(&mut tape, step);
            fail(&mut tape, &step);
            assert_eq!(settle(&mut tape), ["node-set-aside"]);
        }
        tape
    };
    let mut tape = started();
    retry(&mut tape, None).unwrap();
    assert!(tape.state().set_aside.is_empty() && tape.state().failed_steps().next().is_none());
    drive_to_rest(&mut tape);
    assert_eq!((next(tape.state()), cordoned(&tape)), (Next::Succeed, vec![]));

    let mut tape = started();
    let wrong = id("workers/dgx032/drain");
    assert!(matches!(retry(&mut tape, Some(&wrong)), Err(IllegalEvent::Step { .. })));
    retry(&mut tape, Some(&id("workers/dgx031/drain"))).unwrap();
    assert_eq!(tape.state().set_aside.keys().collect::<Vec<_>>(), [&name("dgx030")]);
    drive_to_rest(&mut tape);
    assert_eq!((next(tape.state()), cordoned(&tape)), (Next::Succeed, vec![name("dgx030")]));
}

#[test]
fn a_retry_of_one_step_drives_its_lane_beside_other_failures() {
    let mut tape = Tape::of(&two_at_a_time(None));
    until(&mut tape, "workers/dgx030/drain");
    until(&mut tape, "workers/dgx031/drain");
    let [first, second] = ["workers/dgx030/drain", "workers/dgx031/drain"].map(id);
    fail(&mut tape, &first);
    settle(&mut tape);
    fail(&mut tape, &second);
    retry(&mut tape, Some(&second)).unwrap();
    assert_eq!(settle(&mut tape), [""; 0], "the other failure was named already");
    assert_eq!(tape.todo(), [id("root-cause/repair-config")]);
    let step = tape.todo()[0].clone();
    tape.add(Event::StepDone { step, evidence: seen() }).unwrap();
    assert_eq!(tape.todo(), [id("workers/dgx031/node-reachable")], "and no other lane begins");
    drive_to_rest(&mut tape);
    assert_eq!(settle(&mut tape), ["run-paused"], "the other one still failed");
    let failed: Vec<_> = tape.state().failed_steps().map(|(spec, _)| spec.id.clone()).collect();
    assert_eq!((failed, cordoned(&tape)), (vec![first], vec![name("dgx030")]));
    retry(&mut tape, None).unwrap();
    drive_to_rest(&mut tape);
    assert_eq!(next(tape.state()), Next::Succeed);
}

#[test]
fn a_failed_root_cause_lets_no_other_lane_go_on() {
    let mut tape = Tape::of(&two_at_a_time(None));
    let step = until(&mut tape, "workers/dgx030/drain");
    fail(&mut tape, &step);
    settle(&mut tape);
    retry(&mut tape, None).unwrap();
    let repair = id("root-cause/repair-config");
    fail(&mut tape, &repair);
    assert_eq!(settle(&mut tape), ["run-paused"]);
    assert_eq!(next(tape.state()), Next::Rest);
}

#[test]
fn control_plane_and_cluster_failures_pause_whatever_the_budget_is() {
    for step in ["control-plane/runai-02/kubeadm-node", "after/verify-fleet", "backup/seal-backup"] {
        let mut tape = Tape::of(&two_at_a_time(Some("100%")));
        let step = until(&mut tape, step);
        fail(&mut tape, &step);
        assert_eq!(settle(&mut tape), ["run-paused"], "{step}");
    }
}

#[test]
fn the_usual_budget_is_one_until_the_first_workers_are_over() {
    let mut i = two_at_a_time(None);
    let views: Vec<_> = (100..140).map(|n| crate::testing::view(&format!("dgx{n}"), false)).collect();
    let facts = (100..140).map(|n| crate::testing::facts(&format!("dgx{n}"), false)).collect();
    let more = crate::Inventory::join(views, facts);
    i.inventory.nodes.extend(more.nodes);
    i.inventory.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    let mut tape = Tape::of(&i);
    assert_eq!(super::budget::limit(tape.state()), 1);
    until(&mut tape, "workers/dgx032/drain");
    assert_eq!(super::budget::limit(tape.state()), 3, "5 % of 44 workers, rounded up");
}

#[test]
fn a_node_that_the_plan_left_out_is_deferred_from_the_start_and_may_be_included() {
    let mut plan = crate::goals::build(&input()).unwrap();
    plan.left_out =
        vec![LeftOut { node: name("dgx033"), why: "--without dgx033".into(), unready: false, until: None }];
    let plan = Box::new(plan);
    let run = podlift_model::RunId::new("r1").unwrap();
    let started = Event::RunStarted { plan, by: "me".into() };
    let state = apply(None, &run, Timestamp::UNIX_EPOCH, &started).unwrap();
    assert_eq!(state.deferred.keys().collect::<Vec<_>>(), [&name("dgx033")]);
    let skipped = |s: &RunState| {
        s.steps_of(&name("dgx033")).all(|(_, step)| matches!(step.status, StepStatus::Skipped { .. }))
    };
    assert!(skipped(&state));
    let retried = Event::WaiverLifted { check: "flag-loss".into(), by: "me".into() };
    let state = apply(Some(state), &run, Timestamp::UNIX_EPOCH, &retried).unwrap();
    assert!(skipped(&state), "a look at the root cause takes no node up again");
    let included = Event::NodeIncluded { node: name("dgx033"), by: "me".into() };
    let state = apply(Some(state), &run, Timestamp::UNIX_EPOCH, &included).unwrap();
    assert!(!skipped(&state) && state.deferred.is_empty());
}

#[test]
fn a_lost_control_plane_node_leaves_the_run_and_holds_no_kubelet_back() {
    let mut tape = Tape::started();
    until(&mut tape, "control-plane/runai-03/kubeadm-node");
    let lost = name("runai-03");
    assert!(tape.state().why_not_defer(&lost).unwrap().contains("podlift node lost runai-03"));
    let step = id("control-plane/runai-03/kubeadm-node");
    fail(&mut tape, &step);
    settle(&mut tape);
    tape.add(Event::NodeLost { node: lost.clone(), by: "jane".into() }).unwrap();
    assert_eq!(tape.state().behind().count(), 0);
    tape.add(Event::RunResumed { by: "jane".into() }).unwrap();
    drive_to_rest(&mut tape);
    tape.add(Event::RunSucceeded).unwrap();
    let report = crate::view::report(tape.state(), Timestamp::UNIX_EPOCH);
    assert_eq!(report.lost.get(&lost).map(String::as_str), Some("jane"));
    let node = report.nodes.iter().find(|n| n.name == lost).unwrap();
    assert_eq!((node.result.as_str(), node.reason.as_deref()), ("lost", Some("lost, stated by jane")));
}

#[test]
fn max_unavailable_may_change_while_the_run_goes_on() {
    let mut tape = Tape::of(&two_at_a_time(None));
    until(&mut tape, "workers/dgx030/cordon");
    assert_eq!(tape.todo().len(), 2);
    let set = |name: &str, value: &str| Event::OptionSet {
        name: name.into(),
        value: value.into(),
        by: "me".into(),
    };
    for (name, value) in [("max-unavailable", "0"), ("max-unavailable", "many"), ("canary", "3")] {
        assert!(matches!(tape.add(set(name, value)), Err(IllegalEvent::Option { .. })), "{name} {value}");
    }
    tape.add(set("max-unavailable", "4")).unwrap();
    assert_eq!(tape.todo().len(), 4);
    assert_eq!(crate::view::summary(tape.state()).max_unavailable, Some(4));
}

#[test]
fn a_second_abort_stops_the_undo() {
    let mut tape = Tape::started();
    let abort = || Event::AbortAsked { by: "me".into(), reason: "enough".into() };
    tape.add(abort()).unwrap();
    assert!(!tape.state().undo_stopped);
    tape.add(abort()).unwrap();
    assert!(tape.state().undo_stopped);
    assert!(matches!(tape.add(abort()), Err(IllegalEvent::Status { .. })));
}

#[test]
fn limits_and_reasons_survive_the_journal() {
    let event =
        Event::NodeSetAside { node: name("dgx030"), step: id("workers/dgx030/drain"), reason: failure() };
    let text = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    let pause = r#"{"event":"run-paused","reason":{"code":"x","message":"m","detail":"","undone":"","next":"n"},"by":null}"#;
    let read: Event = serde_json::from_str(pause).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), pause, "a record of an older version keeps its text");
    let options = crate::program::PlanOptions { max_failed: Some(Limit::Percent(5)), ..Default::default() };
    let text = serde_json::to_string(&options).unwrap();
    assert_eq!(serde_json::from_str::<crate::program::PlanOptions>(&text).unwrap(), options);
    let _: StopReason = failure();
}
