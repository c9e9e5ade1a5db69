//! What kubeadm asks for right before it runs, and which of its phases run again.

use super::*;
use crate::steps::{KubeadmApply, Step as _};
use podlift_model::HostOp;
use podlift_model::op::SkipPhase;

#[test]
fn kubeadm_does_not_begin_without_the_images_of_its_static_pods() {
    let state = run(&input());
    let at = |facts, present| judged(&state, APPLY, &before_kubeadm(facts, images(present)));
    assert_eq!(at(armed("runai-01", &[]), true), Assess::Ready);
    let (verbs, why) = again(at(armed("runai-01", &[]), false));
    assert_eq!(verbs, ["image-pull"]);
    assert!(why.contains("kube-scheduler:v1.32.9") && !why.contains("kube-proxy"), "{why}");
    let (verbs, _) = again(at(facts("runai-01", true), true));
    assert_eq!(verbs, ["guard-arm"], "the guard went back to its steady watch");
    // After it was done again once, an operator has to look.
    let mut twice = run(&input());
    twice.steps.get_mut(&spec(&state, APPLY).id).unwrap().redone = 1;
    let told = judged(&twice, APPLY, &before_kubeadm(armed("runai-01", &[]), images(false)));
    assert!(matches!(told, Assess::Blocked(ref r) if r.code == "earlier-lost"), "{told:?}");
}

/// The runtime does not say in which image it starts pods: without that image no static pod starts again.
#[test]
fn kubeadm_waits_for_images_that_can_not_be_named_unless_the_plan_has_warned() {
    let mut unknown = images(true);
    unknown.unseen = vec!["the sandbox image: containerd does not answer".into()];
    let mut i = input();
    for id in [APPLY, NODE] {
        let node = if id == APPLY { "runai-01" } else { "runai-02" };
        let at = |i: &PlanInput| {
            let Reply::All(mut all) = before_kubeadm(armed(node, &[]), unknown.clone()) else { panic!() };
            all[2] = config(config_text("good").replace("v1.31.14", "v1.32.9"));
            judged(&run(i), id, &Reply::All(all))
        };
        assert!(matches!(at(&i), Assess::Wait(why) if why.contains("containerd does not answer")), "{id}");
        i.surveys.get_mut(&name(node)).unwrap().as_mut().unwrap().images = Ok(unknown.clone());
        assert!(
            !matches!(at(&i), Assess::Wait(why) if why.contains("containerd")),
            "{id}: the plan has said so"
        );
    }
}

#[test]
fn kubeadm_asks_again_for_etcd_and_for_what_it_would_write_right_before_it_runs() {
    let state = run(&input());
    let at = |id: &str, node: &str, rest: Vec<Reply>| {
        let Reply::All(mut all) = before_kubeadm(armed(node, &[]), images(true)) else { panic!() };
        all.truncate(4);
        all.extend(rest);
        judged(&state, id, &Reply::All(all))
    };
    let gone = FlagChange {
        component: "kube-apiserver".into(),
        flag: "etcd-servers".into(),
        live: Some(endpoints().join(",")),
        rendered: Some(String::new()),
    };
    let (verbs, why) = again(at(APPLY, "runai-01", rests_on(false, vec![])));
    assert_eq!(verbs, ["etcd-ready"]);
    assert!(why.contains("runai-03"), "{why}");
    let (verbs, why) = again(at(APPLY, "runai-01", rests_on(true, vec![gone])));
    assert_eq!(verbs, ["flag-diff"]);
    assert!(why.contains("last written by kubectl-edit"), "{why}");
    let step = spec(&state, NODE);
    let looks = |acted| match step.kind.step().probe(&Cx { state: &state, step, ahead: 0, acted }) {
        Probe::All(looks) => looks.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!((looks(false), looks(true)), (8, 4), "afterwards the result alone is looked at");
}

/// Without phases, kubeadm writes the kubelet's configuration in the same run.
#[test]
fn a_kubeadm_without_phases_asks_for_kubelet_config_too() {
    let state = run(&input());
    let step = spec(&state, APPLY);
    let cx = Cx { state: &state, step, ahead: 0, acted: false };
    let asks = |to: &str| {
        let apply = KubeadmApply::to(to.parse().unwrap(), vec![]);
        let Probe::All(looks) = apply.probe(&cx) else { panic!() };
        looks.contains(&Probe::Cluster(ClusterLook::KubeletConfig))
    };
    assert!(asks("v1.31.9") && !asks("v1.32.9"));
}

/// kubeadm has written its manifests and ended before its last phases: a failed or lost end is no success.
#[test]
fn a_kubeadm_that_was_never_seen_to_end_well_runs_its_other_phases_again() {
    let mut state = run(&input());
    let config_at = |version: &str| config(config_text("good").replace("v1.31.14", version));
    let reply = |node: &str| {
        let Reply::All(mut all) = before_kubeadm(armed(node, Component::ALL), images(true)) else { panic!() };
        all[2] = config_at("v1.32.9");
        Reply::All(all)
    };
    for (id, node) in [(APPLY, "runai-01"), (NODE, "runai-02")] {
        assert!(matches!(judged(&state, id, &reply(node)), Assess::Done(_)), "an earlier run has done it");
        let key = spec(&state, id).id.clone();
        state.steps.get_mut(&key).unwrap().attempts = 1;
        assert_eq!(judged(&state, id, &reply(node)), Assess::Ready, "{id}");
        let skip = match act(&state, id, &reply(node)) {
            Some(Act::Node(_, HostOp::KubeadmApply { skip, .. } | HostOp::KubeadmNode { skip, .. })) => skip,
            other => panic!("{other:?}"),
        };
        assert!(skip.contains(&SkipPhase::ControlPlane), "no static pod is stopped once more: {skip:?}");
        state.steps.get_mut(&key).unwrap().ever_acted = true;
        assert!(matches!(judged(&state, id, &reply(node)), Assess::Done(_)), "{id}");
    }
}

/// kubeadm has written the manifests of the target without the flag, because its loss was waived, and the waiver is lifted then.
#[test]
fn a_lifted_waiver_has_kubeadm_write_manifests_of_the_target_once_more() {
    let mut i = input();
    for m in i.inventory.nodes.iter_mut().filter_map(|n| n.facts.as_mut()).flat_map(|f| &mut f.manifests) {
        if m.component == Component::KubeApiserver {
            m.flags.0.insert("profiling".into(), vec!["false".into()]);
        }
    }
    i.waivers = vec![Waiver { check: "flag-loss".into(), reason: "known".into(), by: "jane".into() }];
    let back = FlagChange {
        component: "kube-apiserver".into(),
        flag: "profiling".into(),
        live: None,
        rendered: Some("false".into()),
    };
    let reply = |node: &str, changes: Vec<FlagChange>| {
        let Reply::All(mut all) = before_kubeadm(armed(node, Component::ALL), images(true)) else { panic!() };
        all.truncate(4);
        all[2] = config(config_text("good").replace("v1.31.14", "v1.32.9"));
        all.extend(rests_on(true, changes));
        Reply::All(all)
    };
    let waived = run(&i);
    let lift = Event::WaiverLifted { check: "flag-loss".into(), by: "jane".into() };
    let lifted =
        apply(Some(waived.clone()), &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &lift).unwrap();
    for (id, node) in [(APPLY, "runai-01"), (NODE, "runai-02")] {
        let now = reply(node, vec![back.clone()]);
        assert!(matches!(judged(&waived, id, &now), Assess::Done(_)), "the loss is accepted");
        assert!(matches!(judged(&lifted, id, &reply(node, vec![])), Assess::Done(_)), "nothing is lost");
        assert_eq!(judged(&lifted, id, &now), Assess::Ready, "{id}");
        let (skip, whole) = match act(&lifted, id, &now) {
            Some(Act::Node(
                _,
                HostOp::KubeadmApply { skip, whole, .. } | HostOp::KubeadmNode { skip, whole },
            )) => (skip, whole),
            other => panic!("{other:?}"),
        };
        assert!(whole && !skip.contains(&SkipPhase::ControlPlane), "{skip:?}");
    }
}

/// A full run of kubeadm would write the broken manifest again, and wait for a change that the heal prevents.
#[test]
fn manifests_that_are_right_on_disk_are_not_written_again() {
    let state = run(&input());
    let reply = before_kubeadm(armed("runai-01", Component::ALL), images(false));
    assert_eq!(judged(&state, APPLY, &reply), Assess::Ready, "no static pod is stopped: no image is needed");
    let Some(Act::Node(_, HostOp::KubeadmApply { skip, .. })) = act(&state, APPLY, &reply) else { panic!() };
    assert!(skip.contains(&SkipPhase::ControlPlane), "{skip:?}");
    let reply = before_kubeadm(armed("runai-02", Component::ALL), images(true));
    assert!(matches!(judged(&state, NODE, &reply), Assess::Done(_)));
}

/// Flag loss is waived, kubeadm wrote the broken manifest, the heal put the endpoints back, and the node lost power: the next attempt repairs
/// the cause first, and only that.
#[test]
fn what_the_heal_put_back_is_repaired_before_the_next_attempt_although_its_loss_is_waived() {
    let mut i = input();
    i.waivers = vec![Waiver { check: "flag-loss".into(), reason: "known".into(), by: "jane".into() }];
    let state = run(&i);
    let reply = |now: NodeFacts| {
        let etcd = i.etcd.values().next().unwrap().clone().unwrap();
        let nodes = [now, facts("runai-02", true), facts("runai-03", true)];
        let mut all = vec![config(config_text("bad")), on(OpOutput::Etcd(etcd))];
        all.extend(nodes.map(|f| on(OpOutput::Facts(Box::new(f)))));
        Reply::All(all)
    };
    let id = "root-cause/repair-config";
    let before = judged(&state, id, &reply(facts("runai-01", true)));
    // The line of the sign-off stays open: what is waived is not repaired.
    let open = |told: &Assess| matches!(told, Assess::Done(Evidence::Partly { what }) if what.starts_with("left as it is"));
    assert!(open(&before), "{before:?}");
    let healed = reply(armed("runai-01", &[Component::KubeApiserver]));
    assert_eq!(judged(&state, id, &healed), Assess::Ready);
    let Some(Act::Cluster(ClusterAct::WriteKubeadmConfig { cluster_configuration, .. })) =
        act(&state, id, &healed)
    else {
        panic!()
    };
    assert!(cluster_configuration.contains(&endpoints()[0]), "{cluster_configuration}");
}
