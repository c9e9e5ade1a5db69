//! What happens to a choice when its lane begins again: a drain that is repeated, a pause, a retry of one step, a pod that forbids the drain,
//! and a node that was seen to be there before it was chosen.

use super::*;
use crate::program::{CORDON_TAKEN, NEVER_INTERRUPT, StopReason};
use jiff::SignedDuration;
use podlift_model::OpOutcome;

/// Starts the step. Its op ends well, and the step is not judged.
fn begin(tape: &mut Tape, step: &StepId) {
    let (attempt, op_id) = tape.state().next_op(&tape.state().plan.step(step).unwrap().clone());
    add(tape, Event::StepStarted { step: step.clone(), attempt, op_id: op_id.clone(), ledger: None });
    add(tape, Event::OpEnded { step: step.clone(), op_id, outcome: OpOutcome::changed("x") });
}

fn fail(tape: &mut Tape, step: &StepId, code: &str) {
    add(
        tape,
        Event::StepFailed { step: step.clone(), reason: StopReason { code: code.into(), ..failure() } },
    );
}

/// Records that the failed worker is set aside.
fn aside(tape: &mut Tape) {
    let Next::SetAside { node, step, reason } = next(tape.state()) else {
        panic!("{:?}", next(tape.state()))
    };
    add(tape, Event::NodeSetAside { node, step, reason: *reason });
}

/// A retry, with the root cause that is looked at first.
fn retry(tape: &mut Tape, step: Option<&StepId>) {
    add(tape, Event::RetryAsked { step: step.cloned(), by: "jane".into(), repair_dpkg: false });
    while let Some(step) = tape.todo().first().filter(|step| step.as_str().starts_with("root-cause/")) {
        let (step, evidence) = (step.clone(), Evidence::Seen { what: "right".into() });
        add(tape, Event::StepDone { step, evidence });
    }
}

fn pause(tape: &mut Tape) {
    add(tape, Event::RunPaused { reason: failure(), by: Some("jane".into()), now: false });
}

fn include(tape: &mut Tape, node: &str) {
    add(tape, Event::NodeUndone { node: name(node), undone: vec![], left: vec![] });
    add(tape, Event::NodeIncluded { node: name(node), by: "jane".into() });
}

fn over(tape: &mut Tape, pods: &[PodView], lane: &str) {
    let last = until(tape, pods, &format!("{lane}/image-release"));
    tape.complete(&last);
}

/// What a job begins anew after its interruption is lost anew: a second drain of the same batch must not count it as lost already.
#[test]
fn a_job_is_interrupted_once_a_batch_however_often_its_drain_begins() {
    let on = |job: &str, node: &str, gpus, started| PodView {
        gpus,
        started: Some(started),
        ..pod("ml", job, node, &format!("Job/{job}"))
    };
    let old = Timestamp::UNIX_EPOCH;
    let pods = [on("small", "dgx031", 1, old), on("large", "dgx032", 8, old), on("other", "dgx033", 8, old)];
    let mut tape = fleet(|i| {
        (i.options.max_failed, i.options.max_unavailable) = (Some("3".parse().unwrap()), 1);
    });
    until_workers(&mut tape, &pods);
    let nodes = views(&tape);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &pods)), ["dgx031"], "the least loss");
    let drain = until(&mut tape, &pods, "workers/dgx031/drain");
    begin(&mut tape, &drain);
    let first = tape.state().interrupted["ml/Job/small"];
    fail(&mut tape, &drain, "drain-blocked");
    aside(&mut tape);
    retry(&mut tape, Some(&drain));
    until(&mut tape, &pods, "workers/dgx031/drain");
    begin(&mut tape, &drain);
    assert_eq!(tape.state().interrupted["ml/Job/small"], first, "the same batch");
    // The job has begun again between the two drains, on a node that is still to come.
    let since = first.checked_add(SignedDuration::from_secs(1)).unwrap();
    let anew = [on("large", "dgx032", 8, old), on("small", "dgx033", 1, since)];
    over(&mut tape, &anew, "workers/dgx031");
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &anew)), ["dgx032"], "the job goes last and is not lost");
    over(&mut tape, &anew, "workers/dgx032");
    let drain = until(&mut tape, &anew, "workers/dgx033/drain");
    begin(&mut tape, &drain);
    assert!(tape.state().interrupted["ml/Job/small"] > first, "another batch is another interruption");
}

#[test]
fn a_node_that_is_included_in_a_pause_waits_for_its_choice_although_its_drain_had_begun() {
    let mut tape = fleet(|_| ());
    until_workers(&mut tape, &[]);
    let nodes = views(&tape);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx031", "dgx032"]);
    let drain = until(&mut tape, &[], "workers/dgx031/drain");
    begin(&mut tape, &drain);
    add(&mut tape, defer("dgx031"));
    pause(&mut tape);
    include(&mut tape, "dgx031");
    assert_eq!(next(tape.state()), Next::Rest, "no lane begins in a pause");
    assert!(!tape.state().may_act(&StepId::new("workers/dgx031/cordon").unwrap()));
    add(&mut tape, Event::RunResumed { by: "jane".into() });
    assert!(tape.todo().is_empty(), "what had not begun is chosen anew after a pause: {:?}", tape.todo());
    let held = tape.state().batches.len();
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx031", "dgx032"]);
    assert_eq!(
        (lanes(&tape), held + 1),
        (vec!["dgx031".to_string(), "dgx032".into()], tape.state().batches.len())
    );
}

#[test]
fn a_retry_beside_another_failure_begins_no_lane_whose_choice_was_given_back() {
    let mut tape = fleet(|_| ());
    until_workers(&mut tape, &[]);
    let nodes = views(&tape);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx031", "dgx032"]);
    let taken = until(&mut tape, &[], "workers/dgx031/drain");
    fail(&mut tape, &taken, CORDON_TAKEN);
    aside(&mut tape);
    let other = until(&mut tape, &[], "workers/dgx032/drain");
    fail(&mut tape, &other, "x");
    let Next::Pause(_) = next(tape.state()) else { panic!("{:?}", next(tape.state())) };
    pause(&mut tape);
    retry(&mut tape, Some(&taken));
    assert!(!batch_due(tape.state()), "nothing is chosen beside a failure");
    let Next::Pause(reason) = next(tape.state()) else { panic!("{:?}", next(tape.state())) };
    assert!(reason.message.contains("workers/dgx032/drain"), "the other failure is named again: {reason:?}");
    pause(&mut tape);
    retry(&mut tape, None);
    until(&mut tape, &[], "workers/dgx031/uncordon");
    assert_eq!(tape.state().batches.last().unwrap().nodes, [name("dgx031")], "it was chosen again");
}

#[test]
fn a_pod_that_forbids_its_drain_after_the_choice_costs_no_budget_and_its_node_is_chosen_again() {
    let mut tape = fleet(|i| i.options.max_failed = Some("2".parse().unwrap()));
    until_workers(&mut tape, &[]);
    let nodes = views(&tape);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx031", "dgx032"]);
    let drain = until(&mut tape, &[], "workers/dgx031/drain");
    fail(&mut tape, &drain, NEVER_INTERRUPT);
    let Next::Defer { node, reason } = next(tape.state()) else { panic!("{:?}", next(tape.state())) };
    add(&mut tape, Event::NodeDeferred { node, reason, by: "podlift".into(), until: None });
    let due: Vec<_> = tape.state().to_undo().map(|(node, keeps)| (node.clone(), keeps)).collect();
    assert_eq!(due, [(name("dgx031"), false)], "its cordon is given back");
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx033"], "its place is free");
    let other = until(&mut tape, &[], "workers/dgx032/drain");
    fail(&mut tape, &other, "x");
    // The first failure of two.
    aside(&mut tape);
    include(&mut tape, "dgx031");
    let mut pods = gang(&["dgx031"]);
    pods[0].never_interrupt = Some("podlift.io/never-interrupt=true".into());
    over(&mut tape, &pods, "workers/dgx033");
    let Some(Event::BatchWaits { why, .. }) = pick(&mut tape, &nodes, &pods) else { panic!() };
    assert!(why.contains("ml/PodGroup/llm"), "{why}");
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx031"], "the job has ended");
}

#[test]
fn pods_that_forbid_many_drains_are_a_question_for_an_operator() {
    let mut tape = fleet(|i| {
        more_workers(i);
        i.options.max_failed = Some("9".parse().unwrap());
    });
    until_workers(&mut tape, &[]);
    for node in ["dgx031", "dgx032", "dgx033"] {
        let drain = until(&mut tape, &[], &format!("workers/{node}/drain"));
        fail(&mut tape, &drain, NEVER_INTERRUPT);
        let Next::Defer { node, reason } = next(tape.state()) else { panic!("{:?}", next(tape.state())) };
        add(&mut tape, Event::NodeDeferred { node, reason, by: "podlift".into(), until: None });
    }
    let drain = until(&mut tape, &[], "workers/dgx034/drain");
    fail(&mut tape, &drain, NEVER_INTERRUPT);
    let Next::Pause(reason) = next(tape.state()) else { panic!("{:?}", next(tape.state())) };
    assert_eq!(reason.code, NEVER_INTERRUPT);
    assert!(
        reason.message.contains("3 other workers left out before (dgx031, dgx032, dgx033, …)")
            && reason.message.contains("podlift defer dgx034"),
        "{reason:?}"
    );
    add(&mut tape, Event::RunPaused { reason: *reason, by: None, now: false });
    add(&mut tape, defer("dgx034"));
    add(&mut tape, Event::RunResumed { by: "jane".into() });
    until(&mut tape, &[], "workers/dgx035/uncordon");
}

#[test]
fn a_node_that_was_seen_before_its_choice_is_looked_at_again_before_its_cordon() {
    let mut tape = fleet(|i| i.options.max_unavailable = 1);
    until_workers(&mut tape, &[]);
    let mut nodes = views(&tape);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx031"]);
    let reachable = tape.todo()[0].clone();
    let waits = Event::StepWaiting { step: reachable.clone(), reason: "its agent is gone".into() };
    add(&mut tape, waits.clone());
    let evidence = Evidence::Seen { what: "Ready".into() };
    add(&mut tape, Event::StepDone { step: reachable.clone(), evidence });
    assert!(tape.todo().is_empty() && batch_due(tape.state()), "it has given its choice back");
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx031"]);
    assert_eq!(tape.state().steps[&reachable].status, StepStatus::Pending);
    assert_eq!(tape.todo(), std::slice::from_ref(&reachable));
    assert!(!tape.state().may_act(&StepId::new("workers/dgx031/cordon").unwrap()));
    // It is gone again, so another one goes, and no cordon was set.
    add(&mut tape, waits);
    nodes.iter_mut().filter(|n| n.name == name("dgx031")).for_each(|n| n.ready = false);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &[])), ["dgx032"]);
    assert!(!tape.state().left_cordoned(&name("dgx031")));
}

/// While no first worker is proven, others begin one by one, but a job that is larger than that is not interrupted node after node.
#[test]
fn a_gang_that_goes_alone_begins_as_a_whole() {
    let pods = gang(&["dgx031", "dgx032", "dgx033"]);
    let mut tape = fleet(|i| i.options.max_unavailable = 3);
    while !batch_due(tape.state()) {
        let step = tape.todo()[0].clone();
        tape.complete(&step);
    }
    add(&mut tape, defer("dgx030"));
    add(&mut tape, Event::NodeUndone { node: name("dgx030"), undone: vec![], left: vec![] });
    let nodes = views(&tape);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &pods)), ["dgx031", "dgx032", "dgx033"]);
    assert_eq!(lanes(&tape), ["dgx031", "dgx032", "dgx033"], "all of them at once");
}

#[test]
fn a_job_whose_nodes_were_chosen_twice_is_reported_as_interrupted_once() {
    let pods = gang(&["dgx031", "dgx032", "dgx033"]);
    let mut tape = fleet(|i| i.options.max_unavailable = 3);
    until_workers(&mut tape, &pods);
    let nodes = views(&tape);
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &pods)).len(), 3);
    pause(&mut tape);
    add(&mut tape, Event::RunResumed { by: "jane".into() });
    assert!(batch_due(tape.state()) && tape.todo().is_empty(), "nothing has begun");
    assert_eq!(nodes_of(pick(&mut tape, &nodes, &pods)).len(), 3);
    for node in ["dgx031", "dgx032", "dgx033"] {
        over(&mut tape, &pods, &format!("workers/{node}"));
    }
    let report = crate::view::report(tape.state(), now(&tape));
    let told: Vec<(&str, u32)> = report.interrupted.iter().map(|j| (j.job.as_str(), j.times)).collect();
    assert_eq!((told, report.batches.len()), (vec![("ml/PodGroup/llm", 1)], 3));
}

#[test]
fn a_cordon_that_is_taken_over_on_the_only_worker_is_asked_about() {
    let mut tape = fleet(|i| {
        i.options.canary = 1;
        i.inventory.nodes.retain(|n| ![name("dgx031"), name("dgx032"), name("dgx033")].contains(&n.name));
    });
    let cordon = until(&mut tape, &[], "canary/dgx030/drain");
    fail(&mut tape, &cordon, CORDON_TAKEN);
    aside(&mut tape);
    let Next::Pause(reason) = next(tape.state()) else { panic!("{:?}", next(tape.state())) };
    assert_eq!(reason.code, CORDON_TAKEN);
}
