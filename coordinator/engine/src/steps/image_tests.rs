//! Steps of software images: what each waits for, what shows that it is done, and what it refuses although BCM's tool reported no error.

mod nodes;

use super::{Assess, Cx};
use crate::doors::*;
use crate::goals::{PlanInput, build};
use crate::inventory::NodeRole;
use crate::machine::{Event, RunState, apply};
use crate::program::{Evidence, StepSpec, Waiver};
use crate::testing::bcm::{HEAD, WORKERS, image, image_name, provisioning, with_images};
use crate::testing::{config_text, facts, input, name, view};
use jiff::{SignedDuration, Timestamp};
use podlift_model::bcm::*;
use podlift_model::{HostOp, NodeFacts, NodeName, OpOutput, RunId};

const CLONE: &str = "dgx-image-k8s-1.32.9";

fn planned(change: impl Fn(&mut PlanInput)) -> RunState {
    let mut i = input();
    with_images(&mut i);
    change(&mut i);
    let event = Event::RunStarted { plan: Box::new(build(&i).unwrap()), by: "me".into() };
    apply(None, &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &event).unwrap()
}

fn run() -> RunState {
    planned(|_| ())
}

fn spec<'a>(state: &'a RunState, id: &str) -> &'a StepSpec {
    state.plan.steps().find(|s| s.id.as_str() == id).unwrap_or_else(|| panic!("no step {id}"))
}

/// The verdict in words, before and after the op.
fn judged(state: &RunState, id: &str, acted: bool, reply: &Reply) -> String {
    let step = spec(state, id);
    match step.kind.step().assess(&Cx { state, step, ahead: 0, acted }, reply) {
        Assess::Done(Evidence::Partly { what }) => format!("partly: {what}"),
        Assess::Done(evidence) => format!("done: {}", evidence.what()),
        Assess::Wait(why) => format!("wait: {why}"),
        Assess::Blocked(reason) => format!("blocked: {} {} -> {}", reason.code, reason.message, reason.next),
        Assess::Ready => "ready".into(),
        Assess::Again { verbs, why } => format!("again: {} {why}", verbs.join(",")),
    }
}

fn undo(state: &RunState, id: &str) -> Option<BcmOp> {
    let step = spec(state, id);
    match step.kind.step().undo(&Cx { state, step, ahead: 0, acted: true })? {
        Act::Node(node, HostOp::Bcm(op)) if node == name(HEAD) => Some(op),
        other => panic!("{other:?}"),
    }
}

fn try_step(state: &mut RunState, id: &str) {
    let key = spec(state, id).id.clone();
    let step = state.steps.get_mut(&key).unwrap();
    (step.attempts, step.began) = (1, Some(Timestamp::UNIX_EPOCH));
}

fn on(output: OpOutput) -> Reply {
    Reply::Node(Box::new(output))
}

fn of_image(image: Option<BcmImage>) -> Reply {
    on(OpOutput::BcmImage(image.map(Box::new)))
}

fn clone_at(version: &str, change: fn(&mut BcmImage)) -> Option<BcmImage> {
    let mut image = image(CLONE, version);
    image.source = "1.32".parse().ok();
    change(&mut image);
    Some(image)
}

fn locked(image: &mut BcmImage) {
    image.locked = true;
}

fn state_with(change: fn(&mut BcmProvisioning)) -> Reply {
    let mut state = provisioning(&[CLONE]);
    change(&mut state);
    on(OpOutput::BcmProvisioning(state))
}

fn busy(state: &mut BcmProvisioning) {
    let id = BcmTaskId::new("t1").unwrap();
    state.tasks.push(BcmTask { id, what: "Create ramdisk".into(), state: TaskState::Open });
}

fn begins(got: &str, want: &str) {
    assert!(got.starts_with(want), "{got:?} does not begin with {want:?}");
}

#[test]
fn a_clone_is_made_once_and_never_taken_from_others() {
    let (mut state, id) = (run(), "images/image-clone-dgx-image-k8s-1.32.9");
    let reply = |image: Option<BcmImage>, tasks: Reply| Reply::All(vec![of_image(image), tasks]);
    let there = || clone_at("1.31.9-1.1", |_| ());
    let idle = || state_with(|_| ());
    assert_eq!(judged(&state, id, false, &reply(None, idle())), "ready");
    begins(&judged(&state, id, false, &reply(there(), idle())), "blocked: bcm-image-exists");
    begins(&judged(&state, id, true, &reply(None, idle())), "blocked: bcm-no-effect");
    // The agent went away in the middle of its op: the image is this run's.
    try_step(&mut state, id);
    begins(
        &judged(&state, id, false, &reply(there(), state_with(busy))),
        "wait: CMDaemon is at work: task t1",
    );
    begins(&judged(&state, id, false, &reply(there(), idle())), "done: software image dgx-image-k8s-1.32.9");
    assert_eq!(undo(&state, id), Some(BcmOp::ImageRemove { image: image_name(CLONE) }));
    let servers = "images/image-clone-k8s-image-k8s-1.32.9-control-plane";
    assert!(undo(&state, servers).is_some());
    try_step(&mut state, "kubelets/runai-01/assign-image");
    assert_eq!(undo(&state, servers), None, "runai-01 keeps it, because its packages are new");
    let lock = "images/image-lock-dgx-image-k8s-1.32.9";
    try_step(&mut state, lock);
    assert_eq!(undo(&state, lock), None, "the image goes as a whole");
    try_step(&mut state, "workers/dgx031/assign-image");
    assert!(undo(&state, id).is_some(), "the worker gets its old image back");
    try_step(&mut state, "workers/dgx031/sync");
    assert_eq!(undo(&state, id), None, "a node was written from it");
    assert_eq!(undo(&state, lock), Some(BcmOp::ImageUnlock { image: image_name(CLONE) }));
}

#[test]
fn a_clone_of_an_earlier_run_is_used_and_stays() {
    let mut state = planned(|i| {
        let images = i.bcm.as_mut().unwrap().images.as_mut().unwrap();
        images.push(image(CLONE, "1.32.9-1.1"));
    });
    let id = "images/image-clone-dgx-image-k8s-1.32.9";
    let reply = Reply::All(vec![of_image(clone_at("1.32.9-1.1", |_| ())), state_with(|_| ())]);
    begins(&judged(&state, id, false, &reply), "done: ");
    try_step(&mut state, id);
    assert_eq!(undo(&state, id), None, "this run has not made it");
}

#[test]
fn an_image_is_changed_only_while_it_is_locked() {
    let mut state = run();
    let lock = "images/image-lock-dgx-image-k8s-1.32.9";
    let at = |state: &RunState, acted, image| judged(state, lock, acted, &of_image(image));
    assert_eq!(at(&state, false, clone_at("1.31.9-1.1", |_| ())), "ready");
    begins(&at(&state, false, clone_at("1.31.9-1.1", locked)), "blocked: bcm-image-locked");
    begins(&at(&state, true, clone_at("1.31.9-1.1", |_| ())), "blocked: bcm-no-effect");
    begins(&at(&state, false, None), "blocked: bcm-missing");
    try_step(&mut state, lock);
    begins(&at(&state, false, clone_at("1.31.9-1.1", locked)), "done: ");

    let source = "images/image-source-dgx-image-k8s-1.32.9";
    let old = |change: fn(&mut BcmImage)| {
        let mut image = clone_at("1.31.9-1.1", change);
        image.as_mut().unwrap().source = "1.31".parse().ok();
        of_image(image)
    };
    assert_eq!(judged(&state, source, false, &old(locked)), "ready");
    begins(&judged(&state, source, false, &old(|_| ())), "again: image-lock-dgx-image-k8s-1.32.9");
    begins(&judged(&state, source, true, &old(locked)), "blocked: bcm-no-effect");
    begins(
        &judged(&state, source, false, &of_image(None)),
        "again: image-clone-dgx-image-k8s-1.32.9,image-lock-dgx-image-k8s-1.32.9",
    );
}

#[test]
fn packages_in_an_image_are_believed_only_when_dpkg_there_has_them() {
    let (state, id) = (run(), "images/image-packages-dgx-image-k8s-1.32.9");
    let at = |acted, image: Option<BcmImage>, tasks: Reply| {
        judged(&state, id, acted, &Reply::All(vec![of_image(image), tasks]))
    };
    let idle = || state_with(|_| ());
    assert_eq!(at(false, clone_at("1.31.9-1.1", locked), idle()), "ready");
    begins(&at(false, clone_at("1.31.9-1.1", |_| ()), idle()), "again: image-lock");
    begins(&at(true, clone_at("1.31.9-1.1", locked), idle()), "blocked: bcm-no-effect");
    begins(&at(false, clone_at("1.32.9-1.1", locked), idle()), "done: ");
    begins(&at(true, clone_at("1.32.9-1.1", locked), state_with(busy)), "wait: CMDaemon is at work");
    let unheld = |image: &mut BcmImage| image.packages.get_mut("kubelet").unwrap().held = false;
    let told = at(true, clone_at("1.32.9-1.1", unheld), idle());
    assert!(told.contains("kubelet 1.32.9-1.1 is not held"), "{told}");
    let mounted = |image: &mut BcmImage| image.inside = vec!["mount /cm/images/x/proc".into()];
    begins(&at(true, clone_at("1.32.9-1.1", mounted), idle()), "blocked: bcm-image-in-use");
    begins(&at(false, clone_at("1.31.9-1.1", mounted), idle()), "wait: in software image");
    let other = |image: &mut BcmImage| (image.locked, image.source) = (true, "1.31".parse().ok());
    begins(&at(false, clone_at("1.31.9-1.1", other), idle()), "again: image-source-dgx-image-k8s-1.32.9");
}

#[test]
fn provisioners_count_only_after_they_were_sent_the_image() {
    let (state, id) = (run(), "images/image-provisioners-dgx-image-k8s-1.32.9");
    let seen =
        |acted, reply: Reply, image| judged(&state, id, acted, &Reply::All(vec![reply, of_image(image)]));
    let at = |acted, reply: Reply| seen(acted, reply, clone_at("1.32.9-1.1", locked));
    assert_eq!(at(false, state_with(|_| ())), "ready", "CMDaemon does not count changes of a folder");
    // BCM has failed over, and the other head node has not got the packages, or not even the image.
    let all = "image-clone-dgx-image-k8s-1.32.9,image-lock-dgx-image-k8s-1.32.9,image-source-dgx-image-k8s-1.32.9,image-packages-dgx-image-k8s-1.32.9";
    for (image, why) in
        [(clone_at("1.31.9-1.1", locked), "has not the packages of the target"), (None, "is not in BCM")]
    {
        let told = seen(false, state_with(|_| ()), image);
        assert!(told.starts_with(&format!("again: {all}")) && told.contains(why), "{told}");
    }
    let told = seen(false, state_with(busy), clone_at("1.31.9-1.1", locked));
    begins(&told, "wait: CMDaemon is at work");
    begins(&at(true, state_with(|_| ())), "done: ");
    begins(&at(true, state_with(|s| s.provisioners[1].up_to_date = Some(vec![]))), "wait: software image");
    let drained = |s: &mut BcmProvisioning| {
        (s.provisioners[1].up_to_date, s.provisioners[1].drained) = (Some(vec![]), true);
    };
    begins(&at(true, state_with(drained)), "done: ");
    begins(&at(true, state_with(|s| s.provisioners[0].up_to_date = None)), "partly: ");
    let as_it_is = planned(|i| {
        i.bcm.as_mut().unwrap().images =
            Ok(vec![image(WORKERS.0, "1.32.9-1.1"), image("k8s-image", "1.32.9-1.1")]);
    });
    let of = |version: &str| {
        let reply = Reply::All(vec![state_with(|_| ()), of_image(Some(image(WORKERS.0, version)))]);
        judged(&as_it_is, "images/image-provisioners-dgx-image", false, &reply)
    };
    assert_eq!(of("1.32.9-1.1"), "ready");
    let told = of("1.31.9-1.1");
    assert!(told.starts_with("blocked: bcm-image-not-made") && told.ends_with("podlift abort"), "{told}");
    let unlock = "images/image-unlock-dgx-image-k8s-1.32.9";
    begins(&judged(&state, unlock, false, &of_image(clone_at("1.32.9-1.1", |_| ()))), "done: ");
    begins(
        &judged(&state, unlock, true, &of_image(clone_at("1.32.9-1.1", locked))),
        "blocked: bcm-no-effect",
    );
    assert_eq!(judged(&state, unlock, false, &of_image(clone_at("1.32.9-1.1", locked))), "ready");
}

fn rows(of: &str, image: &str, from: ImageFrom) -> Reply {
    let row = BcmNode { image: Some(image_name(image)), from, ..crate::testing::bcm::node(of, WORKERS) };
    on(OpOutput::BcmNodes(vec![row]))
}

#[test]
fn a_category_gets_the_image_only_when_all_its_nodes_have_it() {
    let (mut state, id) = (run(), "bcm/category-image-dgx-h100");
    let reply = |of: &[(&str, &str, ImageFrom)]| {
        let row = |(node, image, from): &(&str, &str, ImageFrom)| BcmNode {
            image: Some(image_name(image)),
            from: *from,
            ..crate::testing::bcm::node(node, WORKERS)
        };
        on(OpOutput::BcmNodes(of.iter().map(row).collect()))
    };
    let (own, inherited) = (ImageFrom::Node, ImageFrom::Category);
    assert_eq!(judged(&state, id, false, &reply(&[("dgx030", CLONE, own)])), "ready");
    begins(&judged(&state, id, false, &reply(&[("dgx030", CLONE, inherited)])), "done: ");
    begins(&judged(&state, id, true, &reply(&[("dgx030", CLONE, own)])), "blocked: bcm-no-effect");
    let other = reply(&[("dgx030", CLONE, own), ("dgx044", WORKERS.0, inherited)]);
    begins(&judged(&state, id, false, &other), "partly: category dgx-h100 keeps its software image: dgx044");
    state.deferred.insert(name("dgx031"), "broken".into());
    begins(
        &judged(&state, id, false, &reply(&[("dgx030", CLONE, own)])),
        "partly: category dgx-h100 keeps its software image: dgx031 is left out",
    );
}

#[test]
fn the_books_agree_or_a_person_lets_them_be() {
    let version = |text: &str| on(OpOutput::BcmClusterVersion(text.parse().unwrap()));
    let (state, id) = (run(), "bcm/bcm-version");
    begins(&judged(&state, id, false, &version("1.32.9-1.1")), "done: ");
    assert_eq!(judged(&state, id, false, &version("1.31.9-1.1")), "ready");
    // Another revision is another version.
    begins(&judged(&state, id, true, &version("1.32.9-2.1")), "blocked: bcm-no-effect");
    let waived = planned(|i| {
        i.waivers =
            vec![Waiver { check: "bcm-books".into(), reason: "BCM is old".into(), by: "jane".into() }];
    });
    for id in [id, "bcm/category-image-dgx-h100", "bcm/learn-config"] {
        let reply = match id.ends_with("h100") {
            true => rows("dgx030", CLONE, ImageFrom::Node),
            false => Reply::All(vec![]),
        };
        begins(&judged(&waived, id, false, &reply), "partly: left as it is: jane waived it (BCM is old)");
    }
    let mut without = run();
    without.deferred.insert(name("runai-03"), "broken".into());
    begins(&judged(&without, id, false, &version("1.31.9-1.1")), "partly: left at 1.31.9-1.1: runai-03");
}

/// BCM writes its own older copy back: the message says so, and the repair comes first.
#[test]
fn an_old_kubeadm_config_names_bcm_as_the_likely_writer() {
    let state = run();
    let config = |text: &str| {
        let view = KubeadmConfigView {
            resource_version: "1".into(),
            cluster_configuration: config_text(text),
            managers: vec!["python-requests at noon".into()],
        };
        Reply::Cluster(ClusterReply::KubeadmConfig(view))
    };
    let told = judged(&state, "root-cause/learn-config", true, &config("bad"));
    begins(&told, "again: repair-config ");
    assert!(
        told.contains("likely BCM") && told.contains("cm-kubeadm-manage --kube-cluster runaicluster"),
        "{told}"
    );
    assert!(told.contains("update_configmap on head-01 "), "{told}");
    let acts = Event::HeadActs { head: name("head-02") };
    let over = apply(Some(state.clone()), &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &acts).unwrap();
    let told = judged(&over, "root-cause/learn-config", true, &config("bad"));
    assert!(told.contains("update_configmap on head-02 "), "it has failed over: {told}");
    let bare = {
        let mut i = input();
        i.bcm = None;
        let event = Event::RunStarted { plan: Box::new(build(&i).unwrap()), by: "me".into() };
        apply(None, &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &event).unwrap()
    };
    let diff = podlift_model::flags::FlagChange {
        component: "kube-apiserver".into(),
        flag: "etcd-servers".into(),
        live: Some("https://10.0.0.1:2379".into()),
        rendered: Some(String::new()),
    };
    let reply = Reply::All(vec![on(OpOutput::Diff(vec![diff])), config("bad")]);
    let id = "control-plane/runai-01/flag-diff";
    assert!(judged(&state, id, false, &reply).contains("python-requests at noon (likely BCM"));
    assert!(!judged(&bare, id, false, &reply).contains("BCM"));
}

#[test]
fn ops_of_bcm_go_to_the_head_node_whatever_node_they_are_for() {
    let state = run();
    let mut heads = 0;
    for spec in state.plan.steps() {
        let step = spec.kind.step();
        let cx = Cx { state: &state, step: spec, ahead: 0, acted: false };
        if let Some(Act::Node(node, op)) = step.act(&cx, &Reply::All(vec![])) {
            assert_eq!(step.agent(&cx), node, "{}", spec.id);
            assert_eq!(op.is_of_head(), node == name(HEAD), "{}", spec.id);
            heads += usize::from(op.is_of_head());
        }
    }
    // Two images, four workers, three control-plane nodes, the version and two lessons. Categories act on what BCM shows of them.
    assert_eq!(heads, 12 + 4 * 3 + 3 + 2 + 1);
    let server = |node: &NodeName| state.plan.inventory.get(node).unwrap().role == NodeRole::ControlPlane;
    assert!(state.plan.bcm.as_ref().unwrap().nodes.keys().any(server));
}
