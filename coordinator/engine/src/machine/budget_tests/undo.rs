//! What a run has put on a node is undone when the node leaves the run, and what stays is listed until the node is back.

use super::*;

fn undone(tape: &mut Tape, left: &[&str]) -> Result<(), IllegalEvent> {
    let left = left.iter().map(|line| line.to_string()).collect();
    tape.add(Event::NodeUndone { node: name("dgx030"), undone: vec![], left })
}

fn due(tape: &Tape) -> Vec<(NodeName, bool)> {
    tape.state().to_undo().map(|(node, keeps_cordon)| (node.clone(), keeps_cordon)).collect()
}

fn defer(tape: &mut Tape) {
    tape.add(Event::NodeDeferred {
        node: name("dgx030"),
        reason: "mainboard".into(),
        by: "me".into(),
        until: None,
    })
    .unwrap();
}

#[test]
fn a_deferred_node_is_undone_at_once_and_lists_what_stays_until_it_is_included() {
    let mut tape = Tape::of(&two_at_a_time(None));
    until(&mut tape, "workers/dgx030/drain");
    defer(&mut tape);
    assert_eq!(due(&tape), [(name("dgx030"), false)]);
    undone(&mut tape, &["dgx030 stays cordoned: podlift node release dgx030"]).unwrap();
    assert_eq!(due(&tape), []);
    let why = "mainboard; dgx030 stays cordoned: podlift node release dgx030";
    assert_eq!(tape.state().why_deferred(&name("dgx030")).as_deref(), Some(why));
    let report = crate::view::report(tape.state(), Timestamp::UNIX_EPOCH);
    let node = report.nodes.iter().find(|n| n.name == name("dgx030")).unwrap();
    assert_eq!(node.reason.as_deref(), Some(why));
    let row = report.checks.iter().find(|c| c.id == "nodes-deferred").unwrap();
    assert!(row.evidence.contains("podlift node release dgx030"), "{row:?}");
    // A release lists nothing any more, and a node that takes part has nothing to undo.
    undone(&mut tape, &[]).unwrap();
    assert_eq!(tape.state().why_deferred(&name("dgx030")).as_deref(), Some("mainboard"));
    tape.add(Event::NodeIncluded { node: name("dgx030"), by: "me".into() }).unwrap();
    assert_eq!(due(&tape), []);
    assert!(matches!(undone(&mut tape, &[]), Err(IllegalEvent::NotDeferred { .. })));
}

#[test]
fn a_node_on_which_nothing_was_changed_or_that_is_lost_is_not_undone() {
    let mut tape = Tape::of(&two_at_a_time(None));
    defer(&mut tape);
    assert_eq!(due(&tape), []);
    let mut tape = Tape::of(&two_at_a_time(None));
    until(&mut tape, "workers/dgx030/drain");
    tape.add(Event::NodeLost { node: name("dgx030"), by: "me".into() }).unwrap();
    assert_eq!(due(&tape), []);
}

/// The API still has the Node object of a machine that is gone, and the machine may come back.
#[test]
fn of_a_lost_node_only_its_soft_taint_is_undone() {
    use crate::doors::{Act, ClusterAct};
    let mut i = two_at_a_time(None);
    i.options.soft_taint = true;
    let mut tape = Tape::of(&i);
    until(&mut tape, "workers/dgx030/drain");
    let undos = |tape: &Tape| -> Vec<Act> {
        let state = tape.state();
        let node = name("dgx030");
        let tried = state.steps_of(&node).filter(|(_, step)| step.attempts > 0).map(|(spec, _)| spec);
        let undo = |step: &crate::program::StepSpec| {
            let cx = crate::steps::Cx { state, step, ahead: 0, acted: true };
            step.kind.step().undo(&cx)
        };
        tried.filter_map(undo).collect()
    };
    assert!(undos(&tape).len() > 1, "the cordon, too: {:?}", undos(&tape));
    tape.add(Event::NodeLost { node: name("dgx030"), by: "me".into() }).unwrap();
    assert_eq!(due(&tape), [(name("dgx030"), false)]);
    let run = tape.state().run.clone();
    let untaint = Act::Cluster(ClusterAct::SoftUntaint { node: name("dgx030"), run });
    assert_eq!(undos(&tape), [untaint]);
    undone(&mut tape, &["dgx030 keeps the soft taint of run r1: x; podlift node release dgx030"]).unwrap();
    let why = tape.state().why_deferred(&name("dgx030")).unwrap();
    assert!(why.contains("lost, stated by me") && why.contains("podlift node release dgx030"), "{why}");
}

#[test]
fn a_run_does_not_end_before_the_pins_of_failed_workers_are_undone() {
    let mut tape = Tape::of(&two_at_a_time(Some("2")));
    let step = until(&mut tape, "workers/dgx030/kubelet-restart");
    fail(&mut tape, &step);
    let Next::SetAside { node, step, reason } = next(tape.state()) else { panic!() };
    tape.add(Event::NodeSetAside { node, step, reason: *reason }).unwrap();
    assert_eq!(due(&tape), [], "a retry may need them");
    while let Some(step) = tape.todo().first().cloned() {
        tape.complete(&step);
    }
    assert_eq!((next(tape.state()), due(&tape)), (Next::Rest, vec![(name("dgx030"), true)]));
    undone(&mut tape, &[]).unwrap();
    assert_eq!((next(tape.state()), cordoned(&tape)), (Next::Succeed, vec![name("dgx030")]));
}

#[test]
fn a_cordon_whose_answer_is_lost_is_still_a_cordon_and_one_that_was_refused_is_none() {
    let begin = |tape: &mut Tape, outcome: OpOutcome| {
        let step = until(tape, "workers/dgx030/cordon");
        let (attempt, op_id) = tape.state().next_op(&tape.state().plan.step(&step).unwrap().clone());
        let started = Event::StepStarted { step: step.clone(), attempt, op_id: op_id.clone(), ledger: None };
        tape.add(started).unwrap();
        tape.add(Event::OpEnded { step: step.clone(), op_id, outcome }).unwrap();
        step
    };
    let mut tape = Tape::of(&two_at_a_time(None));
    begin(&mut tape, OpOutcome::Indeterminate { why: "reset".into() });
    assert_eq!(cordoned(&tape), [name("dgx030")]);
    let mut tape = Tape::of(&two_at_a_time(None));
    let failure = podlift_model::Failure::operator(podlift_model::codes::CORDON_FOREIGN, "another person");
    let step = begin(&mut tape, OpOutcome::Failed { failure });
    fail(&mut tape, &step);
    assert_eq!(cordoned(&tape), []);
}
