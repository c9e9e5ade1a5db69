//! What steps ask of the whole fleet, and what a run leaves on it.

use super::*;
use crate::program::Evidence;

#[test]
fn members_of_lost_machines_do_not_count() {
    let i = served();
    let mut etcd = i.etcd.values().next().unwrap().clone().unwrap();
    etcd.members[2].healthy = false;
    let with = |etcd, probes, nodes| {
        let others = [ClusterReply::Probes(probes), ClusterReply::Nodes(nodes)].map(Reply::Cluster);
        Reply::All(std::iter::once(Reply::Node(Box::new(OpOutput::Etcd(etcd)))).chain(others).collect())
    };
    let reply = |etcd| with(etcd, vec![], vec![]);
    let id = "control-plane/runai-01/etcd-ready";
    let state = run(&i);
    assert!(
        matches!(judged(&state, id, &reply(etcd.clone())), Assess::Wait(why) if why.contains("runai-03"))
    );
    let state = say(Some(state), Event::NodeLost { node: name("runai-03"), by: "jane".into() });
    assert_eq!(text(judged(&state, id, &reply(etcd.clone()))), "2 members healthy, runai-02 leads");
    let down = ApiProbe { endpoint: "10.77.0.12:6443".into(), ok: false, why: "refused".into() };
    let told = judged(&state, id, &with(etcd.clone(), vec![down], vec![]));
    assert!(matches!(told, Assess::Wait(why) if why == "API server 10.77.0.12:6443 is not ready: refused"));
    let away = |node: &str| vec![NodeView { ready: false, ..view(node, true) }];
    let told = judged(&state, id, &with(etcd.clone(), vec![], away("runai-02")));
    assert!(matches!(told, Assess::Wait(why) if why.starts_with("control-plane node runai-02 is not Ready")));
    let told = text(judged(&state, id, &with(etcd.clone(), vec![], away("runai-03"))));
    assert!(told.starts_with("2 members healthy"), "a lost node does not count: {told}");
    // The member may have another name than the node.
    etcd.members[2].name = "etcd-c".into();
    assert_eq!(text(judged(&state, id, &reply(etcd))), "2 members healthy, runai-02 leads");
    let step = spec(&state, "after/verify-fleet");
    let Probe::All(looks) = step.kind.step().probe(&Cx { state: &state, step, ahead: 0, acted: false })
    else {
        panic!()
    };
    // A server that is deferred for its hardware can't hold the end of the run either.
    let endpoints = vec!["10.77.0.11:6443".to_string(), "10.77.0.12:6443".into()];
    assert!(looks.contains(&Probe::Cluster(ClusterLook::ProbeApiServers { endpoints })), "{looks:?}");
}

#[test]
fn each_node_is_verified_on_its_own_and_the_fleet_does_not_wait_for_one_moment() {
    let state = run(&input());
    let at = |change: fn(&mut NodeView)| {
        let mut seen = NodeView { kubelet: "v1.32.9".parse().ok(), ..view("dgx031", false) };
        change(&mut seen);
        let reply = Reply::All(vec![of_node(seen), on(packages("1.32.9-1.1", true))]);
        judged(&state, "verify/dgx031/verify-node", &reply)
    };
    assert_eq!(text(at(|_| {})), "Ready at v1.32.9");
    assert!(matches!(at(|v| v.ready = false), Assess::Wait(_)));
    assert!(
        matches!(at(|v| v.kubelet = "v1.31.9".parse().ok()), Assess::Blocked(r) if r.code == "not-at-target")
    );
    let ours = |v: &mut NodeView| {
        v.unschedulable = true;
        let epoch = Epoch { number: 1, instance: podlift_model::InstanceId::new("head-01").unwrap() };
        v.owner = Some(Owner { run: RunId::new("r1").unwrap(), epoch, over: false });
    };
    assert!(matches!(at(ours), Assess::Blocked(r) if r.code == "cordon-left"));
    for (version, held, want) in
        [("1.31.9-1.1", true, "is 1.31.9-1.1"), ("1.32.9-1.1", false, "is not held any more")]
    {
        let seen = NodeView { kubelet: "v1.32.9".parse().ok(), ..view("dgx031", false) };
        let reply = Reply::All(vec![of_node(seen), on(packages(version, held))]);
        let told = judged(&state, "verify/dgx031/verify-node", &reply);
        assert!(matches!(told, Assess::Blocked(ref r) if r.message.contains(want)), "{told:?}");
    }
    let all = |change: fn(&mut NodeView)| {
        let nodes = state.plan.inventory.nodes.iter();
        let mut views: Vec<NodeView> =
            nodes.map(|n| NodeView { kubelet: "v1.32.9".parse().ok(), ..n.view.clone() }).collect();
        views.iter_mut().for_each(change);
        let views = Reply::Cluster(ClusterReply::Nodes(views));
        judged(
            &state,
            "after/verify-fleet",
            &Reply::All(vec![views, Reply::Cluster(ClusterReply::Probes(vec![]))]),
        )
    };
    let told = text(all(|v| v.ready = v.name.as_str() != "dgx032"));
    assert!(told.ends_with("not Ready at this moment: dgx032"), "{told}");
    assert!(matches!(all(|v| v.ready = v.name.as_str() != "runai-02"), Assess::Wait(_)));
}

#[test]
fn addons_of_an_earlier_run_are_not_applied_again() {
    let images = ["registry.k8s.io/coredns/coredns:v1.11.3", "registry.k8s.io/kube-proxy:v1.32.9"];
    let mut i = input();
    let needed = |image: &&str| NeededImage {
        image: image.to_string(),
        role: ImageRole::of(image),
        present: true,
        pinned: true,
        pull: None,
    };
    let survey = i.surveys.get_mut(&name("dgx030")).unwrap().as_mut().unwrap();
    survey.images.as_mut().unwrap().needed = images.iter().map(needed).collect();
    let state = run(&i);
    let at = |images: &[&str], acted| {
        let images = images.iter().map(ToString::to_string).collect();
        let view = AddonsView { images, kube_proxy_version: "v1.32.9".parse().ok(), ..rolled() };
        assess(&state, "addons/addons", acted, &of_addons(&state, view, &[]))
    };
    let counts = "coredns: 2 of 2 pods updated, 2 available; kube-proxy: 7 of 7 pods updated, 7 available";
    let already = format!("coredns, kube-proxy run the images of v1.32.9 already; {counts}");
    assert_eq!(text(at(&images, false)), already);
    assert_eq!(at(&[images[1], "registry.k8s.io/coredns/coredns:v1.11.1"], false), Assess::Ready);
    assert_eq!(at(&[], false), Assess::Ready);
    assert_eq!(text(at(&[], true)), counts);
}

fn rolled() -> AddonsView {
    let whole = |desired| {
        Some(RolloutView {
            observed: true,
            desired,
            updated: desired,
            available: desired,
            unready_nodes: vec![],
        })
    };
    AddonsView {
        kube_proxy: true,
        coredns: true,
        kube_proxy_version: "v1.32.9".parse().ok(),
        kube_proxy_rollout: whole(7),
        coredns_rollout: whole(2),
        ..AddonsView::default()
    }
}

/// The reply to the step's looks, with these nodes not Ready.
fn of_addons(state: &RunState, view: AddonsView, down: &[&str]) -> Reply {
    let views = state.plan.inventory.nodes.iter().map(|n| n.view.clone());
    let views = views.map(|v| NodeView { ready: !down.contains(&v.name.as_str()), ..v });
    let nodes = Reply::Cluster(ClusterReply::Nodes(views.collect()));
    Reply::All(vec![Reply::Cluster(ClusterReply::Addons(view)), nodes])
}

#[test]
fn addons_are_done_when_their_pods_have_rolled_out_and_no_dead_node_holds_them() {
    let mut state = run(&input());
    let mut view = rolled();
    let at = |state: &RunState, view: &AddonsView, down: &[&str]| {
        assess(state, "addons/addons", true, &of_addons(state, view.clone(), down))
    };
    view.coredns_rollout.as_mut().unwrap().available = 1;
    let waits = Assess::Wait("coredns: 2 of 2 pods updated, 1 available".into());
    assert_eq!(at(&state, &view, &[]), waits);
    view.coredns_rollout.as_mut().unwrap().observed = false;
    assert!(matches!(at(&state, &view, &[]), Assess::Wait(why) if why.contains("has not seen")));
    view = rolled();
    let proxy = view.kube_proxy_rollout.as_mut().unwrap();
    (proxy.updated, proxy.available) = (5, 4);
    assert!(matches!(at(&state, &view, &[]), Assess::Wait(_)), "where the pods are is not known");
    view.kube_proxy_rollout.as_mut().unwrap().unready_nodes = vec![name("dgx031"), name("dgx032")];
    let counts = "kube-proxy: 5 of 7 pods updated, 4 available";
    assert_eq!(at(&state, &view, &["dgx031"]), Assess::Wait(format!("{counts}; waits for dgx032")));
    // A node without which the run goes on holds nothing, whether it is Ready or not.
    state = say(
        Some(state),
        Event::NodeDeferred { node: name("dgx032"), by: "jane".into(), reason: "disk".into(), until: None },
    );
    let done = text(at(&state, &view, &["dgx031"]));
    assert!(
        done.ends_with(&format!(
            "{counts}; not waited for, because they are not Ready or left out: dgx031, dgx032"
        )),
        "{done}"
    );
    // What could not be counted is not ticked.
    let lost = AddonsView { coredns_rollout: None, ..rolled() };
    let uncounted = at(&state, &lost, &[]);
    assert!(
        matches!(&uncounted, Assess::Done(Evidence::Partly { what }) if what.contains("coredns: its pods could not be counted")),
        "{uncounted:?}"
    );
    // The end of the run asks once more.
    let views = state.plan.inventory.nodes.iter();
    let at_target = views.map(|n| NodeView { kubelet: "v1.32.9".parse().ok(), ..n.view.clone() }).collect();
    let parts =
        [ClusterReply::Nodes(at_target), ClusterReply::Probes(vec![]), ClusterReply::Addons(view.clone())];
    let end =
        judged(&state, "after/verify-fleet", &Reply::All(parts.into_iter().map(Reply::Cluster).collect()));
    assert_eq!(end, Assess::Wait(format!("{counts}; waits for dgx031")));
}

#[test]
fn a_drain_passes_its_options_on_and_names_what_it_leaves() {
    let mut i = input();
    i.options.drain.force = true;
    let state = run(&i);
    let step = spec(&state, "canary/dgx030/drain");
    let cx = Cx { state: &state, step, ahead: 0, acted: false };
    let options = DrainOptions { force: true, ..DrainOptions::default() };
    let look = ClusterLook::PodsToEvict { node: name("dgx030"), options: options.clone() };
    let Probe::All(looks) = step.kind.step().probe(&cx) else { panic!() };
    assert_eq!(looks[1], Probe::Cluster(look));
    let view = EvictionView {
        left: vec!["kube-system/agent: it tolerates everything".into()],
        ..Default::default()
    };
    let cordoned = NodeView { unschedulable: true, ..super::view("dgx030", false) };
    let reply =
        Reply::All([ClusterReply::Node(cordoned), ClusterReply::Pods(view)].map(Reply::Cluster).into());
    assert!(
        text(judged(&state, "canary/dgx030/drain", &reply))
            .ends_with("left by design: kube-system/agent: it tolerates everything")
    );
    let Some(Act::Cluster(ClusterAct::Drain { options: sent, .. })) = step.kind.step().act(&cx, &reply)
    else {
        panic!()
    };
    assert_eq!(sent, options);
}

#[test]
fn what_an_abort_leaves_is_listed_with_its_places() {
    let mut state = run(&input());
    let mut acted = |id: &str| {
        let id = spec(&state, id).id.clone();
        state.steps.get_mut(&id).unwrap().ever_acted = true;
    };
    for verb in ["apt-source", "image-pull"] {
        acted(&format!("pre-stage/dgx030/{verb}"));
        acted(&format!("pre-stage/dgx031/{verb}"));
    }
    acted("addons/addons");
    acted("kubelets/runai-01/kubelet-config");
    let acted = state.plan.steps().filter(|spec| state.steps[&spec.id].ever_acted);
    let left: std::collections::BTreeSet<String> =
        acted.filter_map(|spec| spec.kind.step().remains()).collect();
    let wanted = [
        "/etc/apt/sources.list.d/kubernetes.list points at the repository of v1.32",
        "/var/lib/kubelet/config.yaml is written anew from ConfigMap kubelet-config",
        "the addons are of v1.32.9: coredns, kube-proxy",
        "the images of v1.32.9 stay on the node, without podlift's pins",
    ];
    assert_eq!(left.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
}

#[test]
fn a_worker_without_an_agent_is_deferred_and_the_backup_does_not_wait_for_it() {
    let mut i = input();
    i.inventory.nodes[1].facts = None;
    let state = run(&i);
    let seal = spec(&state, "backup/seal-backup");
    let cx = Cx { state: &state, step: seal, ahead: 0, acted: false };
    let Some(Act::Vault(VaultAct::Collect { nodes, .. })) = seal.kind.step().act(&cx, &Reply::All(vec![]))
    else {
        panic!()
    };
    assert!(nodes.len() == 6 && !nodes.contains(&name("dgx031")), "{nodes:?}");
    let id = "pre-stage/dgx031/node-reachable";
    let told = judged(&state, id, &Reply::All(vec![]));
    assert!(matches!(told, Assess::Blocked(ref r) if r.code == "not-in-backup"), "{told:?}");
    assert!(spec(&state, id).kind.step().yields());
    let there = judged(&state, "pre-stage/dgx030/node-reachable", &on(facts("dgx030", false)));
    assert_eq!(text(there), "its agent answers");
}

#[test]
fn the_root_cause_asks_no_node_that_has_left_the_run() {
    let state = run(&input());
    let looks = |state: &RunState| {
        let step = spec(state, "root-cause/repair-config");
        match step.kind.step().probe(&Cx { state, step, ahead: 0, acted: false }) {
            Probe::All(looks) => looks.len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(looks(&state), 5);
    let state = say(Some(state), Event::NodeLost { node: name("runai-03"), by: "jane".into() });
    assert_eq!(looks(&state), 4);
}
