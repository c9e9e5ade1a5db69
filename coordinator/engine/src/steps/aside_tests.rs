//! A node steps aside and back, is uncordoned only if it is whole, and is verified on its own; members of lost machines, cordons of ended
//! runs and addons of earlier runs.

mod fleet;

use super::{Assess, Cx, whole};
use crate::doors::*;
use crate::goals::{PlanInput, build};
use crate::machine::{Event, RunState, StepStatus, apply};
use crate::program::StepSpec;
use crate::testing::{facts, input, name, view};
use jiff::Timestamp;
use podlift_model::facts::{Aside, StepAside};
use podlift_model::images::{ImageRole, NeededImage};
use podlift_model::{Epoch, Failure, HostOp, NodeFacts, OpId, OpOutcome, OpOutput, RunId};

fn say(state: Option<RunState>, event: Event) -> RunState {
    apply(state, &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &event).unwrap()
}

fn run(i: &PlanInput) -> RunState {
    say(None, Event::RunStarted { plan: Box::new(build(i).unwrap()), by: "me".into() })
}

/// Control-plane nodes with addresses of their own.
fn served() -> PlanInput {
    let mut i = input();
    for (n, node) in i.inventory.nodes.iter_mut().enumerate().filter(|(_, n)| n.view.control_plane) {
        node.view.internal_ip = Some(format!("10.77.0.1{}", n - 3));
        node.facts.as_mut().unwrap().advertise = Some(format!("10.77.0.1{}:6443", n - 3));
    }
    i
}

fn spec<'a>(state: &'a RunState, id: &str) -> &'a StepSpec {
    state.plan.steps().find(|s| s.id.as_str() == id).unwrap()
}

fn assess(state: &RunState, id: &str, acted: bool, reply: &Reply) -> Assess {
    let step = spec(state, id);
    step.kind.step().assess(&Cx { state, step, ahead: 0, acted }, reply)
}

fn judged(state: &RunState, id: &str, reply: &Reply) -> Assess {
    assess(state, id, false, reply)
}

fn text(assess: Assess) -> String {
    match assess {
        Assess::Done(evidence) => evidence.what().into(),
        other => format!("{other:?}"),
    }
}

fn on(facts: NodeFacts) -> Reply {
    Reply::Node(Box::new(OpOutput::Facts(Box::new(facts))))
}

fn of_node(view: NodeView) -> Reply {
    Reply::Cluster(ClusterReply::Node(view))
}

fn state_of(active: bool, impossible: Option<&str>) -> Option<StepAside> {
    let until = Timestamp::UNIX_EPOCH;
    let active = active.then(|| Aside { until, reason: "run r1".into() });
    Some(StepAside { active, impossible: impossible.map(String::from) })
}

const ASIDE: &str = "control-plane/runai-02/step-aside";

fn aside(state: Option<StepAside>, serving: &[&str]) -> Reply {
    let facts = NodeFacts { step_aside: state, ..facts("runai-02", true) };
    let probe = |e: &&str| ApiProbe { endpoint: e.to_string(), ok: true, why: String::new() };
    Reply::All(vec![on(facts), Reply::Cluster(ClusterReply::Probes(serving.iter().map(probe).collect()))])
}

const OTHERS: [&str; 2] = ["10.77.0.11:6443", "10.77.0.13:6443"];

#[test]
fn an_api_server_steps_aside_only_while_two_others_serve() {
    let state = run(&served());
    assert_eq!(judged(&state, ASIDE, &aside(state_of(false, None), &OTHERS)), Assess::Ready);
    let without = [
        (aside(state_of(false, None), &OTHERS[..1]), "only 1 other API servers serve now, and 2 are needed"),
        (aside(state_of(false, None), &["10.77.0.12:6443", OTHERS[0]]), "only 1 other API servers serve"),
        (aside(state_of(false, Some("nft is not installed")), &OTHERS), "nft is not installed"),
        (aside(None, &OTHERS), "its agent is too old for it"),
    ];
    for (reply, why) in without {
        let told = text(judged(&state, ASIDE, &reply));
        assert!(told.starts_with("the API server does not step aside: ") && told.contains(why), "{told}");
    }
    // A rule of an earlier attempt is renewed: its deadline may be near.
    assert_eq!(judged(&state, ASIDE, &aside(state_of(true, None), &OTHERS)), Assess::Ready);
    let told = text(assess(&state, ASIDE, true, &aside(state_of(true, None), &[])));
    assert_eq!(told, "new connections to its API server are refused");
    let step = spec(&state, ASIDE);
    let soak = |acted| step.kind.step().policy(&Cx { state: &state, step, ahead: 0, acted }).soak.as_secs();
    assert_eq!((soak(false), soak(true)), (0, 3), "the API server stops only after a moment");
    let cx = Cx { state: &state, step, ahead: 0, acted: false };
    let Some(Act::Node(node, HostOp::StepAside { seconds, reason })) =
        step.kind.step().act(&cx, &aside(state_of(false, None), &OTHERS))
    else {
        panic!()
    };
    assert!(
        node == name("runai-02") && (60..=3600).contains(&seconds) && reason.contains("run r1"),
        "{reason}"
    );
    assert_eq!(step.kind.step().undo(&cx), Some(Act::Node(node, HostOp::StepBack)));
}

#[test]
fn what_prevents_the_step_aside_does_not_stop_the_run() {
    let mut state = run(&served());
    let id = spec(&state, ASIDE).id.clone();
    let outcome = OpOutcome::Failed { failure: Failure::operator("step-aside-failed", "nft: no such table") };
    let op_id = OpId::new("r1-s0001-a1").unwrap();
    state.steps.get_mut(&id).unwrap().status = StepStatus::Ended { op_id, outcome };
    assert!(spec(&state, ASIDE).kind.step().is_optional());
    let told = text(judged(&state, ASIDE, &aside(state_of(false, None), &OTHERS)));
    assert!(told.contains("does not step aside: nft: no such table"), "{told}");
}

#[test]
fn it_steps_back_after_it_serves_in_both_passes_and_not_at_all_on_two_servers() {
    let i = served();
    let plan = build(&i).unwrap();
    let verbs = |phase: &str| -> Vec<String> {
        let lane = &plan.phases.iter().find(|p| p.name == phase).unwrap().lanes[1];
        lane.steps.iter().map(|s| s.kind.step().verb()).collect()
    };
    let around = |phase: &str, act: &str| {
        let verbs = verbs(phase);
        let at = |verb: &str| verbs.iter().position(|v| v == verb).unwrap();
        at("step-aside") + 1 == at(act)
            && at(act) < at("verify-api")
            && at("verify-api") + 1 == at("step-back")
    };
    assert!(around("control-plane", "kubeadm-node") && around("kubelets", "kubelet-restart"));
    let none = |i: &PlanInput| !build(i).unwrap().steps().any(|s| s.kind.step().verb().starts_with("step-"));
    let mut off = served();
    off.options.step_aside = false;
    assert!(none(&off));
    let mut two = served();
    two.inventory.nodes.retain(|n| n.name != name("runai-03"));
    assert!(none(&two));
    let state = run(&i);
    let reply = |active| on(NodeFacts { step_aside: state_of(active, None), ..facts("runai-02", true) });
    let back = "control-plane/runai-02/step-back";
    assert_eq!(judged(&state, back, &reply(true)), Assess::Ready);
    assert_eq!(text(judged(&state, back, &reply(false))), "new connections to its API server are let in");
}

/// Facts of dgx031 with all packages in this version.
fn packages(version: &str, held: bool) -> NodeFacts {
    let mut facts = facts("dgx031", false);
    for package in facts.packages.values_mut() {
        (package.version, package.held) = (version.parse().ok(), held);
    }
    facts
}

const CORDON: &str = "canary/dgx030/cordon";

/// The replies to the looks at dgx030: a Node, its facts, and its GPUs.
fn seen(ready: bool, kubelet: &str, package: &str, gpus: &str) -> Vec<Reply> {
    let view = NodeView { ready, kubelet: kubelet.parse().ok(), ..view("dgx030", false) };
    let mut facts = facts("dgx030", false);
    facts.packages.get_mut("kubelet").unwrap().version = package.parse().ok();
    let allocatable = [("nvidia.com/gpu".to_string(), gpus.to_string())].into();
    let hardware = crate::survey::Hardware { allocatable, ..Default::default() };
    vec![of_node(view), on(facts), Reply::Cluster(ClusterReply::Hardware(Some(hardware)))]
}

#[test]
fn a_node_is_whole_if_it_is_ready_with_the_kubelet_of_its_package_and_all_its_devices() {
    let state = run(&input());
    let step = spec(&state, CORDON);
    let cx = Cx { state: &state, step, ahead: 0, acted: true };
    assert_eq!(whole::looks(&cx).len(), 3);
    let told = |replies: Vec<Reply>| whole::verdict(&cx, &replies);
    assert_eq!(told(seen(true, "v1.32.9", "1.32.9-1.1", "8")), Ok(()));
    let broken = [
        (seen(false, "v1.32.9", "1.32.9-1.1", "8"), "is not Ready"),
        (seen(true, "v1.31.9", "1.32.9-1.1", "8"), "runs kubelet v1.31.9, and its package is 1.32.9-1.1"),
        (seen(true, "v1.32.9", "1.32.9-1.1", "7"), "7 allocatable, 8 before"),
        (seen(true, "v1.32.9", "none", "8"), "package kubelet is not installed"),
        (vec![], "was not looked at"),
    ];
    for (replies, why) in broken {
        let error = told(replies).unwrap_err();
        assert!(error.starts_with("dgx030") && error.contains(why), "{error}");
    }
}

#[test]
fn a_node_is_looked_at_before_it_is_uncordoned_only_if_the_lane_has_changed_it() {
    let mut state = run(&input());
    let attempted = |state: &mut RunState, verb: &str| {
        let id = spec(state, &format!("canary/dgx030/{verb}")).id.clone();
        state.steps.get_mut(&id).unwrap().attempts = 1;
    };
    attempted(&mut state, "cordon");
    attempted(&mut state, "drain");
    assert!(!whole::needed(&state, spec(&state, CORDON)));
    attempted(&mut state, "install-kubeadm");
    assert!(whole::needed(&state, spec(&state, CORDON)));
    // The run may have taken over the cordon of a run that left the node half upgraded.
    let mut i = input();
    i.inventory.nodes.iter_mut().find(|n| n.name == name("dgx030")).unwrap().view.unschedulable = true;
    let state = run(&i);
    assert!(whole::needed(&state, spec(&state, CORDON)));
}

#[test]
fn the_mark_of_the_run_goes_although_a_person_has_uncordoned_the_node() {
    let state = run(&input());
    let epoch = Epoch { number: 1, instance: podlift_model::InstanceId::new("head-01").unwrap() };
    let owner = Some(Owner { run: RunId::new("r1").unwrap(), epoch, over: false });
    let id = "canary/dgx030/uncordon";
    let at = |replies: Vec<Reply>| judged(&state, id, &Reply::All(replies));
    let marked = NodeView { owner: owner.clone(), ..view("dgx030", false) };
    assert_eq!(at(vec![of_node(marked)]), Assess::Ready);
    assert_eq!(text(at(vec![of_node(view("dgx030", false))])), "schedulable");
    // A cordon is given back only if the node is whole at this moment.
    let cordoned = |gpus: &str| {
        let mut replies = seen(true, "v1.32.9", "1.32.9-1.1", gpus);
        let Reply::Cluster(ClusterReply::Node(node)) = &mut replies[0] else { panic!() };
        (node.unschedulable, node.owner) = (true, owner.clone());
        at(replies)
    };
    assert_eq!(cordoned("8"), Assess::Ready);
    let Assess::Again { verbs, why } = cordoned("7") else { panic!() };
    assert_eq!(verbs, ["node-ready", "devices-back"]);
    assert!(why.contains("7 allocatable, 8 before"), "{why}");
}

#[test]
fn the_soak_of_a_first_worker_sees_its_version_its_devices_and_whether_it_can_get_work() {
    let mut i = input();
    i.options.canary_soak_seconds = 60;
    let state = run(&i);
    let at = |gpus: &str, kubelet: &str, cordoned: bool| {
        let mut replies = seen(true, kubelet, "1.32.9-1.1", gpus);
        replies.remove(1);
        let Reply::Cluster(ClusterReply::Node(node)) = &mut replies[0] else { panic!() };
        node.unschedulable = cordoned;
        judged(&state, "canary/dgx030/soak", &Reply::All(replies))
    };
    assert!(text(at("8", "v1.32.9", false)).starts_with("Ready at v1.32.9 with its devices for 60 s"));
    assert!(matches!(at("7", "v1.32.9", false), Assess::Wait(why) if why.contains("7 allocatable")));
    assert!(matches!(at("8", "v1.31.9", false), Assess::Wait(_)));
    let Assess::Done(evidence) = at("8", "v1.32.9", true) else { panic!() };
    assert!(
        matches!(&evidence, crate::program::Evidence::Partly { what } if what.ends_with("it got no work"))
    );
}

fn cordoned(owner: Option<Owner>) -> Reply {
    let view = NodeView { unschedulable: true, owner, ..view("dgx030", false) };
    Reply::All(vec![of_node(view), Reply::Cluster(ClusterReply::Nodes(vec![]))])
}

#[test]
fn a_cordon_of_an_ended_run_is_taken_over_and_one_of_an_open_run_is_not() {
    let state = run(&input());
    let epoch = Epoch { number: 1, instance: podlift_model::InstanceId::new("head-01").unwrap() };
    let of = |over| Some(Owner { run: RunId::new("r0").unwrap(), epoch: epoch.clone(), over });
    assert_eq!(judged(&state, CORDON, &cordoned(of(true))), Assess::Ready);
    let told = judged(&state, CORDON, &cordoned(of(false)));
    let Assess::Blocked(reason) = told else { panic!("it would wait for ever: {told:?}") };
    assert!(reason.code == "cordon-unknown" && reason.message.contains("run r0"), "{reason:?}");
    assert!(reason.next.starts_with("kubectl annotate node dgx030 podlift.io/owner- &&"), "{reason:?}");
    let step = spec(&state, CORDON);
    let act =
        |reply: &Reply| step.kind.step().act(&Cx { state: &state, step, ahead: 0, acted: false }, reply);
    let from = |reply: &Reply| match act(reply) {
        Some(Act::Cluster(ClusterAct::Cordon { from, .. })) => from,
        other => panic!("{other:?}"),
    };
    assert_eq!(from(&cordoned(of(true))), RunId::new("r0").ok());
    let free = Reply::All(vec![of_node(view("dgx030", false)), Reply::Cluster(ClusterReply::Nodes(vec![]))]);
    assert_eq!(from(&free), None);
    let text = serde_json::to_string(&of(false)).unwrap();
    assert!(!text.contains("over"), "the mark on the node stays as it was: {text}");
}

/// The record of a node as it was names the packages that were held before the run.
#[test]
fn the_acts_that_begin_with_a_node_say_which_packages_were_held() {
    let held = |change: fn(&mut crate::inventory::NodeEntry)| {
        let mut i = input();
        (i.options.soft_taint, i.options.batches) = (true, Some(Default::default()));
        i.inventory.nodes.iter_mut().filter(|n| n.name == name("dgx031")).for_each(change);
        let state = run(&i);
        let of = |id: &str| {
            let step = spec(&state, id);
            let cx = Cx { state: &state, step, ahead: 0, acted: false };
            match step.kind.step().act(&cx, &cordoned(None)) {
                Some(Act::Cluster(ClusterAct::Cordon { held, .. } | ClusterAct::SoftTaint { held, .. })) => {
                    held
                }
                other => panic!("{other:?}"),
            }
        };
        let first = of("to-come/dgx031/soft-taint");
        assert_eq!(first, of("workers/dgx031/cordon"));
        first
    };
    assert_eq!(held(|_| ()), ["kubeadm", "kubelet", "kubectl"]);
    assert_eq!(
        held(|n| n.facts.as_mut().unwrap().packages.get_mut("kubectl").unwrap().held = false),
        ["kubeadm", "kubelet"]
    );
    assert_eq!(held(|n| n.facts.as_mut().unwrap().packages.clear()), Vec::<String>::new());
    assert_eq!(held(|n| n.facts = None), Vec::<String>::new(), "its agent is away");
}

#[test]
fn a_turn_has_no_time_limit_and_says_what_holds_it() {
    let state = run(&input());
    let id = "workers/dgx031/cordon";
    // The cluster shows all workers; one that it does not show counts as down.
    let others = |views: Vec<NodeView>| {
        let up = ["dgx030", "dgx031", "dgx032", "dgx033"].map(|node| view(node, false));
        let up = up.into_iter().filter(|node| views.iter().all(|other| other.name != node.name));
        let nodes = up.chain(views.clone()).collect();
        Reply::All(vec![of_node(view("dgx031", false)), Reply::Cluster(ClusterReply::Nodes(nodes))])
    };
    let down = NodeView { ready: false, ..view("dgx033", false) };
    let Assess::Wait(why) = judged(&state, id, &others(vec![down.clone()])) else { panic!() };
    assert!(why.contains("not Ready or cordoned by others: dgx033"), "{why}");
    assert!(why.contains("podlift set max-unavailable 2"), "{why}");
    let step = spec(&state, id);
    let policy = step.kind.step().policy(&Cx { state: &state, step, ahead: 0, acted: false });
    assert!(policy.wait.as_secs() > 10 * 365 * 86_400);
    let more = Event::OptionSet { name: "max-unavailable".into(), value: "2".into(), by: "me".into() };
    let state = say(Some(state), more);
    assert_eq!(judged(&state, id, &others(vec![down.clone()])), Assess::Ready);
    // A failed node without which the run goes on takes no turn away.
    let mut state = run(&input());
    let failed = spec(&state, "workers/dgx033/drain").id.clone();
    let reason = crate::program::StopReason {
        code: "x".into(),
        message: "m".into(),
        detail: String::new(),
        undone: String::new(),
        next: "n".into(),
    };
    state = say(Some(state), Event::StepFailed { step: failed.clone(), reason: reason.clone() });
    state = say(Some(state), Event::NodeSetAside { node: name("dgx033"), step: failed, reason });
    assert_eq!(judged(&state, id, &others(vec![down])), Assess::Ready);
}

/// Rook replaces its budgets when a node is drained, and then no other failure domain may lose an OSD.
#[test]
fn workers_with_storage_of_one_rook_cluster_are_taken_one_after_another() {
    let mut i = input();
    i.options.max_unavailable = 3;
    for node in ["dgx031", "dgx032"] {
        let mut osd = crate::testing::survey::pod("rook", &format!("osd-{node}"), node, "ReplicaSet/osd");
        osd.labels.insert("app".into(), "rook-ceph-osd".into());
        i.cluster_survey.as_mut().unwrap().pods.as_mut().unwrap().push(osd);
    }
    let mut state = run(&i);
    let epoch = Epoch { number: 1, instance: podlift_model::InstanceId::new("head-01").unwrap() };
    let owner = Some(Owner { run: RunId::new("r1").unwrap(), epoch, over: false });
    let at = |state: &RunState, node: &str, cordoned: Option<&str>| {
        let views = ["dgx031", "dgx032", "dgx033"].map(|n| {
            let mine = cordoned == Some(n);
            NodeView { unschedulable: mine, owner: owner.clone().filter(|_| mine), ..view(n, false) }
        });
        let nodes = Reply::Cluster(ClusterReply::Nodes(views.into()));
        judged(state, &format!("workers/{node}/cordon"), &Reply::All(vec![of_node(view(node, false)), nodes]))
    };
    assert_eq!(at(&state, "dgx032", None), Assess::Ready);
    let Assess::Wait(why) = at(&state, "dgx032", Some("dgx031")) else { panic!() };
    assert!(why.contains("dgx031 has storage of rook, too"), "{why}");
    assert_eq!(at(&state, "dgx033", Some("dgx031")), Assess::Ready, "it has no storage");
    // Both have begun: the first one goes, and the other waits.
    for node in ["dgx031", "dgx032"] {
        let id = spec(&state, &format!("workers/{node}/node-reachable")).id.clone();
        let evidence = crate::program::Evidence::Seen { what: "w".into() };
        state.steps.get_mut(&id).unwrap().status = StepStatus::Done { evidence };
    }
    assert_eq!(at(&state, "dgx031", None), Assess::Ready);
    assert!(matches!(at(&state, "dgx032", None), Assess::Wait(_)));
    assert!(
        matches!(at(&state, "dgx031", Some("dgx032")), Assess::Wait(_)),
        "the other one is drained already"
    );
}
