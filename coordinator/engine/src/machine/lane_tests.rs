//! Steps of a worker's lane beside others: a cordon that somebody takes over, marks of nodes to come, checkpoints, and the expected end.

use super::tests::{Tape, failure};
use super::*;
use crate::doors::*;
use crate::goals::PlanInput;
use crate::inventory::NodeRole;
use crate::program::{CORDON_TAKEN, Evidence};
use crate::steps::{Assess, Cx};
use crate::testing::{input, name, view};
use jiff::Timestamp;
use podlift_batches::{FailedCheckpoint, Policy};
use podlift_model::checkpoint::{CheckpointEnd, CheckpointResult};
use podlift_model::{Epoch, Failure, InstanceId, OpOutcome, OpOutput, PodRef, RunId, StepId};

fn fleet(change: impl FnOnce(&mut PlanInput)) -> Tape {
    let mut i = input();
    (i.options.canary, i.options.max_unavailable) = (0, 2);
    change(&mut i);
    Tape::of(&i)
}

fn cx_of<'a>(tape: &'a Tape, id: &str) -> Cx<'a> {
    let state = tape.state();
    Cx { state, step: state.spec(&StepId::new(id).unwrap()).unwrap(), ahead: 0, acted: false }
}

fn judged(tape: &Tape, id: &str, reply: &Reply) -> Assess {
    let cx = cx_of(tape, id);
    cx.step.kind.step().assess(&cx, reply)
}

fn text(assess: Assess) -> String {
    match assess {
        Assess::Done(Evidence::Partly { what }) => format!("partly: {what}"),
        Assess::Done(evidence) => format!("done: {}", evidence.what()),
        Assess::Wait(why) => format!("wait: {why}"),
        Assess::Blocked(reason) => format!("blocked {}: {}", reason.code, reason.message),
        Assess::Ready => "ready".into(),
        Assess::Again { verbs, why } => format!("again {}: {why}", verbs.join(",")),
    }
}

/// A node with this cordon; the owner is a run, nobody, or the node is not cordoned at all.
fn node(owner: Option<&str>, cordoned: bool) -> Reply {
    let owner = owner.map(|run| Owner { run: RunId::new(run).unwrap(), epoch: epoch(), over: false });
    let view = NodeView { unschedulable: cordoned, owner, ..view("dgx031", false) };
    Reply::Cluster(ClusterReply::Node(view))
}

fn epoch() -> Epoch {
    Epoch { number: 1, instance: InstanceId::new("head-01").unwrap() }
}

fn pods() -> Reply {
    let view = EvictionView { evict: vec!["ml/a".into()], ..EvictionView::default() };
    Reply::Cluster(ClusterReply::Pods(view))
}

#[test]
fn a_cordon_that_somebody_takes_over_stops_its_lane_and_no_other() {
    let drain = "workers/dgx031/drain";
    let mut tape = fleet(|_| ());
    tape.until(drain);
    let of = |tape: &Tape, owner, cordoned| {
        text(judged(tape, drain, &Reply::All(vec![node(owner, cordoned), pods()])))
    };
    assert_eq!(of(&tape, Some("r1"), true), "ready");
    assert!(of(&tape, None, false).starts_with("again cordon: node dgx031 is not cordoned any more"));
    for owner in [None, Some("r0")] {
        let told = of(&tape, owner, true);
        assert!(
            told.starts_with("blocked cordon-taken: dgx031 does not carry the cordon of this run"),
            "{told}"
        );
    }
    // A person has uncordoned it and cordoned it again: podlift's mark is still there.
    let by = |manager: &str| {
        let Reply::Cluster(ClusterReply::Node(view)) = node(Some("r1"), true) else { panic!() };
        let view = NodeView { cordoned_by: Some(manager.into()), ..view };
        text(judged(&tape, drain, &Reply::All(vec![Reply::Cluster(ClusterReply::Node(view)), pods()])))
    };
    assert_eq!(by("podlift"), "ready");
    assert!(by("kubectl-cordon").contains("kubectl-cordon has uncordoned it and cordoned it again"));
    // Once it is cordoned again, and the second time somebody means it.
    let step = StepId::new(drain).unwrap();
    tape.add(Event::EarlierLost { step: step.clone(), again: vec!["cordon".into()], reason: "r".into() })
        .unwrap();
    let cordon = StepId::new("workers/dgx031/cordon").unwrap();
    tape.complete(&cordon);
    assert!(of(&tape, None, false).contains("somebody has removed it, again"));
    let Assess::Blocked(reason) = judged(&tape, drain, &Reply::All(vec![node(None, true), pods()])) else {
        panic!()
    };
    tape.add(Event::StepFailed { step: step.clone(), reason }).unwrap();
    let Next::SetAside { node: aside, step: at, reason } = next(tape.state()) else {
        panic!("{:?}", next(tape.state()))
    };
    assert_eq!((aside.clone(), reason.code.as_str()), (name("dgx031"), CORDON_TAKEN));
    tape.add(Event::NodeSetAside { node: aside, step: at.clone(), reason: *reason }).unwrap();
    assert!(tape.todo().iter().all(|step| step.as_str().starts_with("workers/")), "{:?}", tape.todo());
    // It does not count as a failure: the first one that does still pauses the run.
    let other = tape.until("workers/dgx032/drain");
    tape.add(Event::StepFailed { step: other, reason: failure() }).unwrap();
    let Next::Pause(pause) = next(tape.state()) else { panic!("{:?}", next(tape.state())) };
    tape.add(Event::RunPaused { reason: *pause, by: None, now: false }).unwrap();
    // A retry goes on with the cordon that the node has then.
    tape.add(Event::RetryAsked { step: Some(at), by: "jane".into(), repair_dpkg: false }).unwrap();
    let seen = || Evidence::Seen { what: "cordoned before by somebody else".into() };
    for verb in ["node-reachable", "cordon"] {
        let step = StepId::new(format!("workers/dgx031/{verb}")).unwrap();
        tape.add(Event::StepDone { step, evidence: seen() }).unwrap();
    }
    assert_eq!(of(&tape, None, true), "ready");
}

#[test]
fn when_all_others_are_over_the_run_asks_about_the_node_whose_cordon_was_taken() {
    let mut tape = fleet(|_| ());
    let step = tape.until("workers/dgx031/drain");
    let Assess::Blocked(reason) = judged(&tape, step.as_str(), &Reply::All(vec![node(None, true), pods()]))
    else {
        panic!()
    };
    tape.add(Event::StepFailed { step: step.clone(), reason }).unwrap();
    let Next::SetAside { node: aside, step: at, reason } = next(tape.state()) else { panic!() };
    tape.add(Event::NodeSetAside { node: aside, step: at, reason: *reason }).unwrap();
    let pause = loop {
        match next(tape.state()) {
            Next::Drive(todo) => tape.complete(&todo[0].step.id.clone()),
            Next::Pause(reason) => break *reason,
            other => panic!("{other:?}"),
        }
    };
    assert!(pause.code == CORDON_TAKEN && pause.message.contains("dgx031"), "{pause:?}");
    assert_eq!(tape.state().phase().unwrap().name, "verify", "before the fleet is verified");
    tape.add(Event::RunPaused { reason: pause, by: None, now: false }).unwrap();
    let resumed = Event::RunResumed { by: "jane".into() };
    let without =
        apply(Some(tape.state().clone()), &tape.state().run, Timestamp::UNIX_EPOCH, &resumed).unwrap();
    assert!(matches!(next(&without), Next::Drive(_)), "it goes on without the node");
    tape.add(Event::RetryAsked { step: None, by: "jane".into(), repair_dpkg: false }).unwrap();
    tape.until("workers/dgx031/uncordon");
}

#[test]
fn a_pod_that_must_not_be_interrupted_stops_its_drain_unless_that_is_waived() {
    let waiver = |check: &str| crate::program::Waiver {
        check: check.into(),
        reason: "known".into(),
        by: "jane".into(),
    };
    for (waived, want) in [(false, "blocked never-interrupt: dgx031 can't be drained"), (true, "ready")] {
        let mut tape = fleet(|i| i.waivers = waived.then(|| waiver("never-interrupt")).into_iter().collect());
        tape.until("workers/dgx031/drain");
        let evict = || vec!["ml/a".to_string()];
        let view =
            EvictionView { evict: evict(), never: vec!["ml/a (k=v)".into()], ..EvictionView::default() };
        let reply = Reply::All(vec![node(Some("r1"), true), Reply::Cluster(ClusterReply::Pods(view))]);
        let told = text(judged(&tape, "workers/dgx031/drain", &reply));
        assert!(told.starts_with(want), "{told}");
    }
}

#[test]
fn a_cordon_that_was_there_before_the_run_is_nobodys_to_take() {
    let mut tape = fleet(|_| ());
    let cordon = tape.until("workers/dgx031/cordon");
    tape.add(Event::StepDone { step: cordon, evidence: Evidence::Seen { what: "was there".into() } })
        .unwrap();
    let reply = Reply::All(vec![node(None, true), pods()]);
    assert_eq!(text(judged(&tape, "workers/dgx031/drain", &reply)), "ready");
}

#[test]
fn a_node_to_come_is_marked_and_the_mark_never_stops_a_run() {
    let mut tape = fleet(|i| i.options.soft_taint = true);
    let marks = tape.until("soft-taint");
    assert_eq!(tape.todo().len(), 4, "side by side: {:?}", tape.todo());
    let marked = |run: Option<&str>| {
        let soft_taint = run.map(|run| RunId::new(run).unwrap());
        Reply::Cluster(ClusterReply::Node(NodeView { soft_taint, ..view("dgx031", false) }))
    };
    let (taint, untaint) = ("to-come/dgx031/soft-taint", "workers/dgx031/soft-untaint");
    for (run, to_come, over) in [
        (None, "ready", "done: no soft taint of this run"),
        (Some("r0"), "ready", "done: no soft taint of this run"),
        (Some("r1"), "done: pods prefer other nodes", "ready"),
    ] {
        assert_eq!(text(judged(&tape, taint, &marked(run))), to_come, "{run:?}");
        assert_eq!(text(judged(&tape, untaint, &marked(run))), over, "{run:?}");
    }
    let (attempt, op_id) = tape.state().next_op(&tape.state().spec(&marks).unwrap().clone());
    tape.add(Event::StepStarted { step: marks.clone(), attempt, op_id: op_id.clone(), ledger: None })
        .unwrap();
    let outcome =
        OpOutcome::Failed { failure: Failure::permanent("api-forbidden", "no right to patch nodes") };
    tape.add(Event::OpEnded { step: marks.clone(), op_id, outcome }).unwrap();
    let told = text(judged(&tape, marks.as_str(), &marked(None)));
    assert_eq!(told, "partly: evicted pods may come to it: no right to patch nodes");
    // A node that leaves the run loses its mark, and one that is over has none any more.
    let undo = |tape: &Tape| {
        let cx = cx_of(tape, taint);
        cx.step.kind.step().undo(&cx)
    };
    let act = ClusterAct::SoftUntaint { node: name("dgx031"), run: RunId::new("r1").unwrap() };
    assert_eq!(undo(&tape), Some(Act::Cluster(act)));
    tape.add(Event::StepDone { step: marks, evidence: Evidence::Seen { what: "x".into() } }).unwrap();
    tape.until("workers/dgx031/uncordon");
    assert!(undo(&tape).is_some(), "an undo removes only what is this run's, so it may be repeated");
    tape.add(Event::NodeDeferred {
        node: name("dgx033"),
        reason: "disk".into(),
        by: "me".into(),
        until: None,
    })
    .unwrap();
    assert!(tape.state().to_undo().any(|(node, _)| *node == name("dgx033")), "its mark is taken away");
    tape.add(Event::NodeUndone { node: name("dgx033"), undone: vec![], left: vec![] }).unwrap();
    tape.add(Event::NodeIncluded { node: name("dgx033"), by: "me".into() }).unwrap();
    assert_eq!(tape.state().phase().unwrap().name, "workers", "lanes at work don't wait for a mark");
}

/// What a checkpoint looks at: its node, the pods that ask for one, and what a drain would do.
fn asked(pods: Vec<PodRef>, drain: EvictionView) -> Reply {
    let rest = [ClusterReply::Checkpoints(pods), ClusterReply::Pods(drain)].map(Reply::Cluster);
    Reply::All(std::iter::once(node(Some("r1"), true)).chain(rest).collect())
}

#[test]
fn a_checkpoint_that_fails_stops_its_lane_unless_the_policy_goes_on() {
    let pod = || PodRef {
        namespace: "ml".parse().unwrap(),
        name: "train-0".parse().unwrap(),
        uid: "u-1".parse().unwrap(),
    };
    let result = |end| CheckpointResult { pod: pod(), end, seconds: 7, again: false };
    let ran = |exit_code| result(CheckpointEnd::Ran { exit_code, output: "out".into() });
    let step = "workers/dgx031/checkpoint";
    let judge = |policy, outcome: OpOutcome| {
        let mut tape = fleet(|i| {
            i.options.checkpoints = true;
            i.options.batches = Some(Policy { failed_checkpoint: policy, ..Policy::default() });
        });
        let id = StepId::new(step).unwrap();
        let (attempt, op_id) = tape.state().next_op(&tape.state().spec(&id).unwrap().clone());
        let seal = tape.state().plan.steps().find(|s| s.kind.step().seals()).unwrap().id.clone();
        tape.complete(&seal);
        tape.add(Event::StepStarted { step: id.clone(), attempt, op_id: op_id.clone(), ledger: None })
            .unwrap();
        tape.add(Event::OpEnded { step: id, op_id, outcome }).unwrap();
        let reply = asked(vec![pod()], EvictionView::default());
        text(judged(&tape, step, &reply))
    };
    let done = |results| OpOutcome::Done { output: OpOutput::Checkpoints(results) };
    let (stop, go_on) = (FailedCheckpoint::Stop, FailedCheckpoint::GoOn);
    let gone = || result(CheckpointEnd::NotFound);
    assert!(
        judge(stop, done(vec![ran(0), gone()]))
            .starts_with("done: pod ml/train-0: its checkpoint command exited 0")
    );
    let told = judge(stop, done(vec![ran(0), ran(3)]));
    assert!(
        told.starts_with("blocked checkpoint-failed: pod ml/train-0: its checkpoint command exited 3"),
        "{told}"
    );
    let unseen = judge(stop, done(vec![result(CheckpointEnd::NoHook)]));
    assert!(unseen.starts_with("blocked checkpoint-failed") && unseen.contains("template"), "{unseen}");
    assert!(judge(go_on, done(vec![ran(3)])).starts_with("partly: pod ml/train-0"));
    let few = judge(stop, done(vec![]));
    assert!(few.starts_with("blocked checkpoint-failed: pod ml/train-0 was not asked yet"), "{few}");
    let failed = || OpOutcome::Failed { failure: Failure::permanent("x", "no crictl") };
    assert!(
        judge(stop, failed())
            .starts_with("blocked checkpoint-failed: 1 pod asked for one, and none was made: no crictl")
    );
    assert!(judge(go_on, failed()).starts_with("partly: "));

    let mut tape = fleet(|i| i.options.checkpoints = true);
    tape.until(step);
    let reply = |pods| asked(pods, EvictionView::default());
    assert_eq!(text(judged(&tape, step, &reply(vec![]))), "done: no pod asks for a checkpoint");
    assert_eq!(text(judged(&tape, step, &reply(vec![pod()]))), "ready");
    for (left, code) in [
        (EvictionView { never: vec!["ml/a (k=v)".into()], ..EvictionView::default() }, "never-interrupt"),
        (
            EvictionView { refused: vec!["cannot delete: ml/a".into()], ..EvictionView::default() },
            "drain-refused",
        ),
    ] {
        let told = text(judged(&tape, step, &asked(vec![pod()], left)));
        assert!(told.starts_with(&format!("blocked {code}")), "no hook runs on a node that stays: {told}");
    }
    let cx = cx_of(&tape, step);
    let act = cx.step.kind.step().act(&cx, &reply(vec![pod()]));
    assert!(
        matches!(act, Some(Act::Node(_, podlift_model::HostOp::Checkpoint { pods, .. })) if pods == [pod()])
    );
}

#[test]
fn the_end_of_a_run_is_expected_from_the_lanes_that_are_over() {
    let mut tape = fleet(|i| i.options.max_unavailable = 1);
    let at = |tape: &Tape| Timestamp::from_second(tape.records.len() as i64).unwrap();
    tape.until("runai-01/uncordon");
    assert_eq!(crate::view::eta(tape.state(), at(&tape)), None, "no lane is over");
    tape.until("workers/dgx031/cordon");
    let of = |role| lengths(&tape.state().lane_times(role), at(&tape));
    let length = of(NodeRole::Worker)[0];
    assert!(length > 0.0 && of(NodeRole::ControlPlane).len() == 3);
    let eta = crate::view::eta(tape.state(), at(&tape)).unwrap();
    let left = eta.at.duration_since(at(&tape)).as_secs() as f64;
    assert_eq!((left, eta.earliest == eta.latest), (3.0 * length, true), "three workers are left");
    tape.until("workers/dgx032/node-reachable");
    let eta = crate::view::eta(tape.state(), at(&tape)).unwrap();
    assert!((eta.at.duration_since(at(&tape)).as_secs() as f64) <= 2.0 * length);
    let seconds = |node: &str| tape.state().lane_time(&name(node)).and_then(|lane| lane.seconds(at(&tape)));
    assert_eq!((seconds("dgx030"), seconds("dgx033")), (Some(length), None));
    tape.add(Event::RunPaused { reason: failure(), by: None, now: false }).unwrap();
    assert_eq!(crate::view::eta(tape.state(), at(&tape)), None, "nobody knows when it goes on");
}

#[test]
fn an_override_of_devices_is_of_one_node_until_its_lane_is_over() {
    let mut tape = fleet(|_| ());
    tape.until("workers/dgx031/install-kubeadm");
    let said = |node: &str| Event::DevicesOverridden {
        node: name(node),
        reason: "the Slurm job may be lost".into(),
        by: "jane".into(),
    };
    assert!(matches!(tape.add(said("moon")), Err(IllegalEvent::UnknownNode { .. })));
    tape.add(said("dgx031")).unwrap();
    let of = |tape: &Tape, id: &str| {
        let cx = cx_of(tape, id);
        match cx.step.kind.step().act(&cx, &Reply::All(vec![])) {
            Some(Act::Node(_, op)) => op.devices().map(|said| (said.node.to_string(), said.reason.clone())),
            other => panic!("{other:?}"),
        }
    };
    let given = Some(("dgx031".to_string(), "the Slurm job may be lost".to_string()));
    for verb in ["install-kubeadm", "install-kubelet-kubectl", "kubelet-restart"] {
        assert_eq!(of(&tape, &format!("workers/dgx031/{verb}")), given, "{verb}");
        assert_eq!(of(&tape, &format!("workers/dgx032/{verb}")), None, "{verb}");
    }
    tape.until("workers/dgx032/kubelet-restart");
    assert_eq!(of(&tape, "workers/dgx031/kubelet-restart"), None, "its lane is over");
    let report = crate::view::report(tape.state(), Timestamp::UNIX_EPOCH);
    assert_eq!((report.overridden.len(), report.overridden[0].by.as_str()), (1, "jane"));
}

/// The step has no end before the people's time is over, and nobody is told of a drain that does not come.
#[test]
fn people_are_told_and_have_their_time() {
    let pod = PodRef {
        namespace: "ml".parse().unwrap(),
        name: "notebook".parse().unwrap(),
        uid: "u-1".parse().unwrap(),
    };
    let step = "workers/dgx031/warn";
    let warned = |seconds| fleet(move |i| i.options.interactive_warning_seconds = seconds);
    assert!(!warned(0).state().plan.steps().any(|s| s.kind.step().verb() == "warn"));
    let seen = |pods: &[PodRef], owner| {
        let people = Reply::Cluster(ClusterReply::Interactive(pods.to_vec()));
        Reply::All(vec![node(owner, true), people])
    };
    let mut tape = warned(600);
    tape.until(step);
    let soak = |tape: &Tape| {
        let cx = cx_of(tape, step);
        cx.step.kind.step().policy(&cx).soak.as_secs()
    };
    let with_pod = seen(std::slice::from_ref(&pod), Some("r1"));
    assert_eq!(text(judged(&tape, step, &seen(&[], Some("r1")))), "done: no person works on it");
    assert_eq!((text(judged(&tape, step, &with_pod)), soak(&tape)), ("ready".to_string(), 0));
    let taken = text(judged(&tape, step, &seen(std::slice::from_ref(&pod), None)));
    assert!(taken != "ready", "the cordon is another's: {taken}");
    let cx = cx_of(&tape, step);
    let Some(Act::Cluster(ClusterAct::Warn { seconds: 600, pods, .. })) =
        cx.step.kind.step().act(&cx, &with_pod)
    else {
        panic!("no warning")
    };
    assert_eq!(pods, [pod]);
    let id = StepId::new(step).unwrap();
    let (attempt, op_id) = tape.state().next_op(&tape.state().spec(&id).unwrap().clone());
    tape.add(Event::StepStarted { step: id.clone(), attempt, op_id: op_id.clone(), ledger: None }).unwrap();
    tape.add(Event::OpEnded { step: id, op_id, outcome: OpOutcome::changed("told") }).unwrap();
    let mut cx = cx_of(&tape, step);
    cx.acted = true;
    assert_eq!(cx.step.kind.step().policy(&cx).soak.as_secs(), 600);
    let told = cx.step.kind.step().assess(&cx, &with_pod);
    assert_eq!(text(told), "done: people were told 600 s before the drain");
}
