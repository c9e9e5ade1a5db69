//! What is done again and what is not: an unknown end, a result that is gone, a worker that is away, a node that is included again.

use super::tests::{Tape, failure};
use super::*;
use crate::program::{Approve, Evidence, Waiver};
use crate::testing::{input, name};
use podlift_model::{OpId, OpOutcome, StepId};

fn seen() -> Evidence {
    Evidence::Seen { what: "still right".into() }
}

/// Starts the step, and returns its op.
fn start(tape: &mut Tape, step: &StepId) -> OpId {
    let spec = tape.state().plan.step(step).unwrap().clone();
    let (attempt, op_id) = tape.state().next_op(&spec);
    let event = Event::StepStarted { step: step.clone(), attempt, op_id: op_id.clone(), ledger: None };
    tape.add(event).unwrap();
    op_id
}

#[test]
fn after_an_unknown_end_the_root_cause_is_looked_at_before_the_next_attempt() {
    let mut tape = Tape::started();
    let step = tape.until("runai-02/kubeadm-node");
    let op_id = start(&mut tape, &step);
    let outcome = OpOutcome::Indeterminate { why: "the node lost power".into() };
    tape.add(Event::OpEnded { step: step.clone(), op_id, outcome }).unwrap();
    let first = tape.todo();
    assert_eq!(first[0].as_str(), "root-cause/repair-config");
    assert!(tape.state().may_act(&first[0]) && !tape.state().may_act(&step), "the root cause comes first");
    tape.add(Event::StepDone { step: first[0].clone(), evidence: seen() }).unwrap();
    assert_eq!(
        tape.todo(),
        std::slice::from_ref(&step),
        "then the step itself, without a command of an operator"
    );
    assert!(tape.state().may_act(&step));
}

/// The agent compares the files with the kubelet's configuration, which the kubeadm that uses them may have changed.
#[test]
fn files_for_kubeadms_patches_are_made_anew_only_before_they_are_used() {
    let patches = StepId::new("pre-stage/dgx031/kubeadm-patches").unwrap();
    for (verb, again) in [("install-kubeadm", true), ("kubeadm-node", false)] {
        let mut i = input();
        let survey = i.surveys.get_mut(&name("dgx031")).unwrap().as_mut().unwrap();
        survey.kubelet.as_mut().unwrap().config["maxPods"] = 500.into();
        let mut tape = Tape::of(&i);
        let step = tape.until(&format!("dgx031/{verb}"));
        let op_id = start(&mut tape, &step);
        let outcome = OpOutcome::Indeterminate { why: "the agent lost its memory".into() };
        tape.add(Event::OpEnded { step, op_id, outcome }).unwrap();
        assert_eq!(tape.state().steps[&patches].status == StepStatus::Pending, again, "{verb}");
    }
}

#[test]
fn a_source_that_was_put_back_is_staged_again_at_once_and_at_every_retry() {
    let mut tape = Tape::started();
    let step = tape.until("dgx030/install-kubeadm");
    let again = ["apt-source", "apt-update", "download"].map(String::from).to_vec();
    let lost = Event::EarlierLost { step: step.clone(), again, reason: "1.32.9-1.1 is not offered".into() };
    tape.add(lost.clone()).unwrap();
    assert_eq!(tape.state().step(&step).unwrap().redone, 1);
    for verb in ["apt-source", "apt-update", "download"] {
        let todo = tape.todo();
        assert_eq!(todo, [StepId::new(format!("pre-stage/dgx030/{verb}")).unwrap()]);
        tape.add(Event::StepDone { step: todo[0].clone(), evidence: seen() }).unwrap();
    }
    assert_eq!(tape.todo(), std::slice::from_ref(&step), "cordon and drain still hold");
    tape.add(Event::StepFailed { step: step.clone(), reason: failure() }).unwrap();
    tape.add(Event::RunPaused { reason: failure(), by: None, now: false }).unwrap();
    tape.add(Event::RetryAsked { step: None, by: "me".into(), repair_dpkg: false }).unwrap();
    assert_eq!(tape.state().step(&step).unwrap().redone, 0);
    let pending = |id: &str| tape.state().steps[&StepId::new(id).unwrap()].status == StepStatus::Pending;
    assert!(pending("pre-stage/dgx030/apt-source") && !pending("pre-stage/dgx031/apt-source"));
}

#[test]
fn a_result_can_not_be_lost_under_an_open_op() {
    let mut tape = Tape::started();
    let step = tape.until("dgx030/install-kubeadm");
    start(&mut tape, &step);
    let lost = Event::EarlierLost { step, again: vec!["cordon".into()], reason: "r".into() };
    assert!(matches!(tape.add(lost), Err(IllegalEvent::Step { .. })));
}

#[test]
fn a_worker_that_is_away_lets_the_others_pass_and_is_left_out_at_the_end_of_the_line() {
    let mut tape = Tape::started();
    let reachable = tape.until("workers/dgx031/node-reachable");
    let waits = Event::StepWaiting { step: reachable.clone(), reason: "its agent is gone".into() };
    tape.add(waits.clone()).unwrap();
    assert!(tape.state().is_away(&name("dgx031")));
    assert_eq!(tape.todo()[0].as_str(), "workers/dgx032/node-reachable");
    while tape.todo()[0] != reachable {
        let step = tape.todo()[0].clone();
        tape.complete(&step);
    }
    tape.add(Event::StepFailed { step: reachable, reason: failure() }).unwrap();
    let Next::Defer { node, reason } = next(tape.state()) else { panic!("{:?}", next(tape.state())) };
    assert_eq!((node.clone(), reason.as_str()), (name("dgx031"), "m"));
    tape.add(Event::NodeDeferred { node, reason, by: "podlift".into(), until: None }).unwrap();
    assert!(tape.todo()[0].as_str().starts_with("verify/"));
}

#[test]
fn a_node_that_was_cordoned_by_the_run_keeps_its_place() {
    let mut tape = Tape::started();
    let step = tape.until("workers/dgx031/kubelet-restart");
    tape.add(Event::StepFailed { step, reason: failure() }).unwrap();
    tape.add(Event::RunPaused { reason: failure(), by: None, now: false }).unwrap();
    tape.add(Event::RetryAsked { step: None, by: "me".into(), repair_dpkg: false }).unwrap();
    while !tape.todo()[0].as_str().ends_with("node-reachable") {
        let step = tape.todo()[0].clone();
        tape.add(Event::StepDone { step, evidence: seen() }).unwrap();
    }
    let step = tape.todo()[0].clone();
    tape.add(Event::StepWaiting { step: step.clone(), reason: "away".into() }).unwrap();
    assert_eq!(tape.todo(), std::slice::from_ref(&step), "no other node is cordoned meanwhile");
    tape.add(Event::StepFailed { step, reason: failure() }).unwrap();
    let Next::Pause(reason) = next(tape.state()) else { panic!("{:?}", next(tape.state())) };
    tape.add(Event::RunPaused { reason: *reason, by: None, now: false }).unwrap();
    assert_eq!(next(tape.state()), Next::Rest, "an operator decides");
}

#[test]
fn a_node_that_is_included_again_does_what_it_has_not_done() {
    let mut tape = Tape::started();
    let included = Event::NodeIncluded { node: name("dgx033"), by: "me".into() };
    assert!(matches!(tape.add(included.clone()), Err(IllegalEvent::NotDeferred { .. })));
    tape.add(Event::NodeDeferred {
        node: name("dgx033"),
        reason: "dead".into(),
        by: "me".into(),
        until: None,
    })
    .unwrap();
    tape.until("after/verify-fleet");
    tape.add(included).unwrap();
    assert!(tape.state().deferred.is_empty());
    assert_eq!(tape.todo()[0].as_str(), "pre-stage/dgx033/node-reachable");
    while let Some(step) = tape.todo().first().cloned() {
        tape.complete(&step);
    }
    tape.add(Event::RunSucceeded).unwrap();
}

#[test]
fn an_approval_is_legal_only_where_one_is_awaited() {
    let mut i = input();
    i.options.approve = Approve::Phase;
    let mut tape = Tape::of(&i);
    let approved = || Event::Approved { by: "jane".into(), what: "w".into() };
    assert!(matches!(tape.add(approved()), Err(IllegalEvent::Status { .. })));
    tape.add(Event::RunPaused { reason: failure(), by: Some("bob".into()), now: false }).unwrap();
    assert!(matches!(tape.add(approved()), Err(IllegalEvent::Status { .. })), "a pause by an operator");
}

#[test]
fn a_lifted_waiver_makes_every_repair_due_that_it_had_switched_off() {
    let mut i = input();
    i.waivers = vec![Waiver { check: "flag-loss".into(), reason: "known".into(), by: "jane".into() }];
    let survey = i.surveys.get_mut(&name("dgx031")).unwrap().as_mut().unwrap();
    survey.kubelet.as_mut().unwrap().config["maxPods"] = 500.into();
    let mut tape = Tape::of(&i);
    tape.until("runai-01/etcd-ready");
    tape.add(Event::WaiverLifted { check: "flag-loss".into(), by: "jane".into() }).unwrap();
    assert_eq!(tape.todo()[0].as_str(), "root-cause/repair-config");
    let patches = StepId::new("pre-stage/dgx031/kubeadm-patches").unwrap();
    assert_eq!(tape.state().steps[&patches].status, StepStatus::Pending);
    let lifted: Vec<&str> = tape.state().lifted.iter().map(|l| l.check.as_str()).collect();
    assert_eq!(lifted, ["flag-loss"], "the report says that the waiver is not in force any more");
}

/// The whole lane, because the kubelet reads its configuration only at a restart, and nothing is restarted under running pods.
#[test]
fn a_lifted_waiver_takes_finished_workers_that_lost_something_out_of_work_once_more_and_no_others() {
    let mut i = input();
    i.waivers = vec![Waiver { check: "flag-loss".into(), reason: "known".into(), by: "jane".into() }];
    let survey = i.surveys.get_mut(&name("dgx031")).unwrap().as_mut().unwrap();
    survey.kubelet.as_mut().unwrap().config["maxPods"] = 500.into();
    let mut tape = Tape::of(&i);
    tape.until("workers/dgx032/node-reachable");
    tape.add(Event::WaiverLifted { check: "flag-loss".into(), by: "jane".into() }).unwrap();
    let pending = |node: &str, phase: &str| {
        let node = name(node);
        let lane = tape.state().steps_of(&node).filter(|(spec, _)| spec.phase == phase);
        lane.map(|(_, step)| step.status == StepStatus::Pending).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(pending("dgx031", "workers"), [true].into(), "from the cordon to the uncordon");
    assert_eq!(pending("dgx030", "canary"), [false].into(), "this node has lost nothing");
}

#[test]
fn a_lifted_waiver_of_a_flag_takes_the_api_server_through_its_lane_and_drains_nothing() {
    let mut i = input();
    for m in i.inventory.nodes.iter_mut().filter_map(|n| n.facts.as_mut()).flat_map(|f| &mut f.manifests) {
        if m.component == podlift_model::op::Component::KubeApiserver {
            m.flags.0.insert("profiling".into(), vec!["false".into()]);
        }
    }
    i.waivers = vec![Waiver { check: "flag-loss".into(), reason: "known".into(), by: "jane".into() }];
    let mut tape = Tape::of(&i);
    tape.until("workers/dgx031/node-reachable");
    tape.add(Event::WaiverLifted { check: "flag-loss".into(), by: "jane".into() }).unwrap();
    let pending = |phase: &str| {
        let node = name("runai-02");
        let lane = tape.state().steps_of(&node).filter(|(spec, _)| spec.phase == phase);
        lane.map(|(_, step)| step.status == StepStatus::Pending).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(pending("control-plane"), [true].into(), "etcd, guard and API server are judged with it");
    assert_eq!(pending("kubelets"), [false].into(), "its kubelet has lost nothing");
}

#[test]
fn a_node_that_is_included_in_the_middle_of_its_lane_is_cordoned_again_first() {
    let mut tape = Tape::started();
    tape.until("workers/dgx031/drain");
    tape.add(Event::NodeDeferred {
        node: name("dgx031"),
        reason: "a job".into(),
        by: "me".into(),
        until: None,
    })
    .unwrap();
    tape.add(Event::NodeIncluded { node: name("dgx031"), by: "me".into() }).unwrap();
    let cordon = StepId::new("workers/dgx031/cordon").unwrap();
    assert_eq!(tape.state().steps[&cordon].status, StepStatus::Pending, "the deferral has given it back");
    // After its uncordon only what was skipped is due.
    let mut tape = Tape::started();
    tape.until("workers/dgx031/image-release");
    tape.add(Event::NodeDeferred {
        node: name("dgx031"),
        reason: "a job".into(),
        by: "me".into(),
        until: None,
    })
    .unwrap();
    tape.add(Event::NodeIncluded { node: name("dgx031"), by: "me".into() }).unwrap();
    assert!(tape.state().steps[&cordon].is_done());
}

#[test]
fn while_no_first_worker_has_shown_that_all_is_well_the_others_begin_one_by_one() {
    let mut i = input();
    i.options.max_unavailable = 2;
    let mut tape = Tape::of(&i);
    tape.add(Event::NodeDeferred {
        node: name("dgx030"),
        reason: "dead".into(),
        by: "me".into(),
        until: None,
    })
    .unwrap();
    tape.until("workers/dgx031/node-reachable");
    assert_eq!(tape.todo().len(), 1, "{:?}", tape.todo());
    while tape.todo()[0].as_str().starts_with("workers/dgx031/") {
        let step = tape.todo()[0].clone();
        tape.complete(&step);
    }
    assert_eq!(tape.todo().len(), 2, "{:?}", tape.todo());
}

/// The first worker is left out: the next one has to stay as it is in its place, and only then the others begin.
#[test]
fn who_takes_the_place_of_a_first_worker_soaks_in_its_place() {
    let mut i = input();
    (i.options.max_unavailable, i.options.canary_soak_seconds) = (2, 60);
    let mut tape = Tape::of(&i);
    tape.add(Event::NodeDeferred {
        node: name("dgx030"),
        reason: "dead".into(),
        by: "me".into(),
        until: None,
    })
    .unwrap();
    let soak = |tape: &Tape, id: &str| {
        let step = tape.state().plan.step(&StepId::new(id).unwrap()).unwrap();
        let cx = crate::steps::Cx { state: tape.state(), step, ahead: 0, acted: false };
        (
            step.kind.step().policy(&cx).soak.as_secs(),
            step.kind.step().probe(&cx) == crate::Probe::All(vec![]),
        )
    };
    let first = tape.until("workers/dgx031/soak");
    assert_eq!(tape.todo(), std::slice::from_ref(&first), "nobody else begins");
    assert_eq!(soak(&tape, first.as_str()), (60, false));
    tape.complete(&first);
    assert_eq!(tape.todo().len(), 2, "{:?}", tape.todo());
    assert_eq!(soak(&tape, "workers/dgx032/soak"), (0, true), "one of them has shown it");
}

#[test]
fn a_run_that_finds_many_workers_away_pauses_and_does_not_end_without_them() {
    let mut i = input();
    for n in 34..44 {
        let node = format!("dgx0{n}");
        let mut entry = i.inventory.nodes.iter().find(|n| n.name == name("dgx033")).unwrap().clone();
        (entry.name, entry.view.name) = (name(&node), name(&node));
        entry.facts = Some(crate::testing::facts(&node, false));
        i.inventory.nodes.push(entry);
    }
    let mut tape = Tape::of(&i);
    tape.until("workers/dgx031/node-reachable");
    let mut away = vec![];
    let paused = loop {
        let step = tape.todo()[0].clone();
        assert!(step.as_str().ends_with("node-reachable"), "{step}");
        tape.add(Event::StepFailed { step, reason: failure() }).unwrap();
        match next(tape.state()) {
            Next::Defer { node, reason } => {
                away.push(node.to_string());
                tape.add(Event::NodeDeferred { node, reason, by: "podlift".into(), until: None }).unwrap();
            }
            Next::Pause(reason) => break reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(away.len(), 3, "{away:?}");
    assert!(
        paused.message.contains("3 other workers away, too") && paused.message.contains("dgx031"),
        "{paused:?}"
    );
}

#[test]
fn a_node_that_was_at_the_target_is_not_reported_as_upgraded_by_this_run() {
    let mut i = input();
    let to = i.to;
    let node = i.inventory.nodes.iter_mut().find(|n| n.name == name("dgx030")).unwrap();
    node.view.kubelet = Some(to);
    let facts = node.facts.as_mut().unwrap();
    facts.kubelet = Some(to);
    facts.packages.values_mut().for_each(|p| p.version = "1.32.9-1.1".parse().ok());
    let mut tape = Tape::of(&i);
    while let Some(step) = tape.todo().first().cloned() {
        match step.as_str().contains("/dgx030/") {
            true => tape.add(Event::StepDone { step, evidence: seen() }).unwrap(),
            false => tape.complete(&step),
        }
    }
    let report = crate::view::report(tape.state(), jiff::Timestamp::UNIX_EPOCH);
    let of = |n: &str| report.nodes.iter().find(|x| x.name == name(n)).unwrap().result.clone();
    assert_eq!((of("dgx030").as_str(), of("dgx031").as_str()), ("at-target", "upgraded"));
}
