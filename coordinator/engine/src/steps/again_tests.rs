//! Steps ask again, right before they act, for what earlier steps gave: images, guard, an empty node. What a heal put back is not written
//! anew, and devices are back before a node takes work.

mod kubeadm;

use super::{Assess, Cx};
use crate::doors::*;
use crate::goals::{PlanInput, build};
use crate::machine::{Event, RunState, apply};
use crate::program::{Evidence, StepSpec, Waiver};
use crate::survey::Hardware;
use crate::testing::{config_text, endpoints, facts, input, manifest, name, view};
use jiff::Timestamp;
use podlift_model::facts::GuardState;
use podlift_model::flags::FlagChange;
use podlift_model::images::{ImageRole, ImagesState, NeededImage};
use podlift_model::op::Component;
use podlift_model::survey::DevicesState;
use podlift_model::{NodeFacts, NodeName, OpOutput, RunId};
use std::collections::BTreeMap;

fn run(i: &PlanInput) -> RunState {
    let event = Event::RunStarted { plan: Box::new(build(i).unwrap()), by: "me".into() };
    apply(None, &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &event).unwrap()
}

fn spec<'a>(state: &'a RunState, id: &str) -> &'a StepSpec {
    state.plan.steps().find(|s| s.id.as_str() == id).unwrap()
}

fn judged(state: &RunState, id: &str, reply: &Reply) -> Assess {
    let step = spec(state, id);
    step.kind.step().assess(&Cx { state, step, ahead: 0, acted: false }, reply)
}

fn act(state: &RunState, id: &str, reply: &Reply) -> Option<Act> {
    let step = spec(state, id);
    step.kind.step().act(&Cx { state, step, ahead: 0, acted: false }, reply)
}

fn again(assess: Assess) -> (Vec<String>, String) {
    match assess {
        Assess::Again { verbs, why } => (verbs, why),
        other => panic!("{other:?}"),
    }
}

fn on(output: OpOutput) -> Reply {
    Reply::Node(Box::new(output))
}

fn images(present: bool) -> ImagesState {
    let needed = [("kube-scheduler", ImageRole::KubeScheduler), ("kube-proxy", ImageRole::KubeProxy)];
    let image = |(name, role): (&str, ImageRole)| NeededImage {
        image: format!("registry.k8s.io/{name}:v1.32.9"),
        role,
        present,
        pinned: present,
        pull: None,
    };
    ImagesState { needed: needed.map(image).into(), filesystem: Err("not asked".into()), unseen: vec![] }
}

/// Facts of a control-plane node with a guard that is armed for the run.
fn armed(node: &str, upgraded: &[Component]) -> NodeFacts {
    let mut facts = facts(node, true);
    facts.guard = GuardState::Armed { run: RunId::new("r1").unwrap() };
    for m in facts.manifests.iter_mut().filter(|m| upgraded.contains(&m.component)) {
        *m = manifest(m.component, "v1.32.9", &[&format!("--etcd-servers={}", endpoints().join(","))]);
    }
    facts
}

fn config(text: String) -> Reply {
    let managers = vec!["kubectl-edit at noon".into()];
    let view = KubeadmConfigView { resource_version: "1".into(), cluster_configuration: text, managers };
    Reply::Cluster(ClusterReply::KubeadmConfig(view))
}

/// What the kubeadm steps look at.
fn before_kubeadm(facts: NodeFacts, images: ImagesState) -> Reply {
    let manifests = on(OpOutput::Manifests(vec![]));
    let config = config(config_text("good"));
    let mut all = vec![on(OpOutput::Facts(Box::new(facts))), manifests, config, on(OpOutput::Images(images))];
    all.extend(rests_on(true, vec![]));
    Reply::All(all)
}

/// What kubeadm would change, and etcd beside the other API servers.
fn rests_on(healthy: bool, changes: Vec<FlagChange>) -> Vec<Reply> {
    let others = [ClusterReply::Probes(vec![]), ClusterReply::Nodes(vec![])].map(Reply::Cluster);
    [on(OpOutput::Diff(changes)), on(etcd(healthy))].into_iter().chain(others).collect()
}

fn etcd(healthy: bool) -> OpOutput {
    let mut state = input().etcd.into_values().next().unwrap().unwrap();
    state.members[2].healthy = healthy;
    OpOutput::Etcd(state)
}

const NODE: &str = "control-plane/runai-02/kubeadm-node";
const APPLY: &str = "control-plane/runai-01/kubeadm-apply";

#[test]
fn a_kubelet_is_restarted_although_it_has_the_version_already() {
    let mut state = run(&input());
    raise(&mut state);
    let view = NodeView { kubelet: "v1.32.9".parse().ok(), ..view("dgx030", false) };
    let node = Reply::Cluster(ClusterReply::Node(view));
    let reply = Reply::All([node, on(installed())].into_iter().chain(lane("dgx030", true, &[])).collect());
    let step = spec(&state, "canary/dgx030/kubelet-restart");
    let at = |acted| step.kind.step().assess(&Cx { state: &state, step, ahead: 0, acted }, &reply);
    assert_eq!(at(false), Assess::Ready, "it may run with the old configuration");
    assert!(matches!(at(true), Assess::Done(_)));
}

#[test]
fn a_kubelet_of_the_control_plane_is_restarted_only_while_etcd_can_do_without_it() {
    let mut state = run(&input());
    raise(&mut state);
    let mut facts = facts("runai-02", true);
    facts.packages.values_mut().for_each(|p| p.version = "1.32.9-1.1".parse().ok());
    let at = |healthy: bool| {
        let [_, etcd, probes, nodes] = rests_on(healthy, vec![]).try_into().unwrap();
        let lane = lane("runai-02", true, &[]);
        let first = [lane[0].clone(), on(OpOutput::Facts(Box::new(facts.clone())))];
        let second = [on(OpOutput::Images(images(true))), etcd, probes, nodes];
        judged(
            &state,
            "kubelets/runai-02/kubelet-restart",
            &Reply::All(first.into_iter().chain(second).chain(lane).collect()),
        )
    };
    assert_eq!(at(true), Assess::Ready);
    assert_eq!(again(at(false)).0, ["etcd-ready"]);
}

#[test]
fn a_drain_does_not_begin_on_a_node_that_takes_pods() {
    let state = run(&input());
    let at = |cordoned| {
        judged(&state, "canary/dgx030/drain", &Reply::All(lane("dgx030", cordoned, &["a/b"]).into()))
    };
    assert_eq!(at(true), Assess::Ready);
    assert_eq!(again(at(false)).0, ["cordon"]);
    let step = spec(&state, "canary/dgx030/drain").kind.step();
    assert!(
        step.shows_loss(podlift_model::codes::CORDON_LOST) && step.rests_on() == ["cordon", "checkpoint"]
    );
}

#[test]
fn an_attestation_accepts_what_its_node_had_shown_and_nothing_else() {
    let mut i = input();
    let all = i.cluster_survey.as_mut().unwrap().hardware.as_mut().unwrap();
    all.insert(name("dgx031"), crate::testing::survey::hardware());
    let mut state = run(&i);
    let reply = |gpus: &str| {
        let allocatable = BTreeMap::from([("nvidia.com/gpu".to_string(), gpus.to_string())]);
        let hardware = Hardware { allocatable, labels: BTreeMap::new() };
        Reply::All(vec![Reply::Cluster(ClusterReply::Hardware(Some(hardware)))])
    };
    let (first, other) = ("canary/dgx030/devices-back", "workers/dgx031/devices-back");
    let Assess::Wait(reason) = judged(&state, first, &reply("7")) else { panic!() };
    let step = spec(&state, first).id.clone();
    let r1 = RunId::new("r1").unwrap();
    let say = |state, event: Event| apply(Some(state), &r1, Timestamp::UNIX_EPOCH, &event).unwrap();
    state = say(state, Event::StepWaiting { step, reason });
    let (name, by) = ("differences-accepted".to_string(), "jane".to_string());
    state = say(state, Event::Attested { name, by, note: "RMA".into() });
    assert!(
        matches!(judged(&state, first, &reply("7")), Assess::Done(ref e) if e.what().ends_with("Accepted by jane"))
    );
    assert!(matches!(judged(&state, first, &reply("6")), Assess::Wait(_)), "a later difference");
    assert!(matches!(judged(&state, other, &reply("7")), Assess::Wait(_)), "another node");
}

#[test]
fn images_are_pulled_only_where_they_are_lacking_and_then_seen() {
    let state = run(&input());
    let id = "pre-stage/runai-01/image-pull";
    assert!(matches!(judged(&state, id, &on(OpOutput::Images(images(true)))), Assess::Done(_)));
    assert_eq!(judged(&state, id, &on(OpOutput::Images(images(false)))), Assess::Ready);
    let mut unknown = images(true);
    unknown.unseen = vec!["the sandbox image: containerd's configuration can't be read".into()];
    let told = judged(&state, id, &on(OpOutput::Images(unknown)));
    assert!(
        matches!(told, Assess::Done(Evidence::Partly { ref what }) if what.contains("not known: the sandbox"))
    );
    let step = spec(&state, id);
    let acted = Cx { state: &state, step, ahead: 0, acted: true };
    let told = step.kind.step().assess(&acted, &on(OpOutput::Images(images(false))));
    assert!(matches!(told, Assess::Blocked(ref r) if r.code == "images-missing"), "{told:?}");
}

fn lane(node: &str, cordoned: bool, pods: &[&str]) -> [Reply; 2] {
    let view = NodeView { unschedulable: cordoned, ..view(node, false) };
    let evict = pods.iter().map(ToString::to_string).collect();
    let pods = EvictionView { evict, ..EvictionView::default() };
    [ClusterReply::Node(view), ClusterReply::Pods(pods)].map(Reply::Cluster)
}

/// Facts of dgx030 with the packages of the target.
fn installed() -> OpOutput {
    let mut facts = facts("dgx030", false);
    facts.packages.values_mut().for_each(|p| p.version = "1.32.9-1.1".parse().ok());
    OpOutput::Facts(Box::new(facts))
}

#[test]
fn a_node_that_is_no_longer_cordoned_and_empty_is_drained_again_before_it_is_disturbed() {
    let mut state = run(&input());
    raise(&mut state);
    let cases =
        [(true, vec![], None), (false, vec![], Some("cordon")), (true, vec!["lab/job"], Some("drain"))];
    for (cordoned, pods, want) in cases {
        let lane = lane("dgx030", cordoned, &pods);
        let facts = on(OpOutput::Facts(Box::new(facts("dgx030", false))));
        let packages = Reply::All(std::iter::once(facts).chain(lane.clone()).collect());
        let restart =
            Reply::All([lane[0].clone(), on(installed())].into_iter().chain(lane.clone()).collect());
        for (verb, reply) in [("install-kubelet-kubectl", packages), ("kubelet-restart", restart)] {
            let told = judged(&state, &format!("canary/dgx030/{verb}"), &reply);
            match want {
                None => assert_eq!(told, Assess::Ready, "{verb}"),
                Some(want) => assert_eq!(again(told).0[0], want, "{verb}"),
            }
        }
    }
}

#[test]
fn a_kubelet_waits_for_every_api_server() {
    let mut state = run(&input());
    let reply = {
        let lane = lane("dgx030", true, &[]);
        Reply::All([lane[0].clone(), on(installed())].into_iter().chain(lane).collect())
    };
    // The usual plan has its kubelets after all API servers; here none was upgraded.
    let told = judged(&state, "canary/dgx030/kubelet-restart", &reply);
    assert!(matches!(told, Assess::Blocked(ref r) if r.code == "api-server-behind"), "{told:?}");
    let server: NodeName = name("runai-02");
    assert!(state.why_not_defer(&server).unwrap().contains("runai-02 is not at v1.32"));
    assert_eq!(state.why_not_defer(&name("dgx030")), None);
    mark(&mut state, |s| s.kind.step().raises_api_server());
    assert!(state.why_not_defer(&server).is_some(), "written by kubeadm, and not seen to serve");
    raise(&mut state);
    assert_eq!(state.why_not_defer(&server), None);
}

/// Marks the kubeadm steps of all control-plane nodes, and what verifies them, as done.
fn raise(state: &mut RunState) {
    mark(state, |s| s.kind.step().raises_api_server());
    mark(state, |s| s.kind.step().verifies_api_server());
}

fn mark(state: &mut RunState, which: fn(&StepSpec) -> bool) {
    let ids: Vec<_> = state.plan.steps().filter(|s| which(s)).map(|s| s.id.clone()).collect();
    for id in ids {
        let evidence = crate::program::Evidence::Seen { what: "w".into() };
        state.steps.get_mut(&id).unwrap().status = crate::machine::StepStatus::Done { evidence };
    }
}

#[test]
fn a_node_takes_work_only_with_the_devices_that_it_had() {
    let mut i = input();
    let survey = i.surveys.get_mut(&name("dgx030")).unwrap().as_mut().unwrap();
    survey.infiniband = vec!["mlx5_0".into()];
    let state = run(&i);
    let id = "canary/dgx030/devices-back";
    let reply = |gpus: &str, devices: Result<Vec<String>, String>| {
        let allocatable = BTreeMap::from([("nvidia.com/gpu".to_string(), gpus.to_string())]);
        let hardware = Hardware { allocatable, labels: BTreeMap::new() };
        let devices = DevicesState { mounts: Ok(BTreeMap::new()), infiniband: devices };
        let hardware = Reply::Cluster(ClusterReply::Hardware(Some(hardware)));
        judged(&state, id, &Reply::All(vec![hardware, on(OpOutput::Devices(devices))]))
    };
    assert!(matches!(reply("8", Ok(vec!["mlx5_0".into()])), Assess::Done(_)));
    for (told, want) in [
        (reply("7", Ok(vec!["mlx5_0".into()])), "7 allocatable, 8 before"),
        (reply("8", Ok(vec![])), "InfiniBand devices are gone: mlx5_0"),
        (reply("8", Err("its agent is away".into())), "can't be seen"),
    ] {
        assert!(matches!(told, Assess::Wait(ref why) if why.contains(want)), "{want}: {told:?}");
    }
    let plain = spec(&state, "workers/dgx032/devices-back");
    let cx = Cx { state: &state, step: plain, ahead: 0, acted: false };
    assert_eq!(plain.kind.step().probe(&cx), Probe::All(vec![]), "nothing was recorded there");
}
