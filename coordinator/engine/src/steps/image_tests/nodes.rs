//! How an image is assigned to a node and written to it.

use super::*;
use crate::machine::StepStatus;

/// The node of the lane, drained by the run.
fn lane(node: &str) -> Vec<Reply> {
    let view = NodeView { unschedulable: true, ..view(node, false) };
    vec![
        Reply::Cluster(ClusterReply::Node(view)),
        Reply::Cluster(ClusterReply::Pods(EvictionView::default())),
    ]
}

fn with_lane(first: Vec<Reply>, node: &str) -> Reply {
    Reply::All(first.into_iter().chain(lane(node)).collect())
}

#[test]
fn an_image_is_assigned_to_a_drained_worker_and_taken_back_while_it_is_not_written() {
    let (mut state, id) = (run(), "workers/dgx031/assign-image");
    let ready = || of_image(clone_at("1.32.9-1.1", |_| ()));
    let at = |acted, image: &str| {
        let first = vec![rows("dgx031", image, ImageFrom::Node), ready()];
        judged(&state, id, acted, &with_lane(first, "dgx031"))
    };
    assert_eq!(at(false, WORKERS.0), "ready");
    begins(&at(false, CLONE), "done: ");
    begins(&at(true, WORKERS.0), "blocked: bcm-no-effect");
    let lost = with_lane(vec![rows("dgx032", WORKERS.0, ImageFrom::Node), ready()], "dgx031");
    begins(&judged(&state, id, false, &lost), "blocked: bcm-missing");
    let mut undrained = vec![rows("dgx031", WORKERS.0, ImageFrom::Category), ready()];
    undrained.push(Reply::Cluster(ClusterReply::Node(view("dgx031", false))));
    undrained.push(Reply::Cluster(ClusterReply::Pods(EvictionView::default())));
    let told = judged(&state, id, false, &Reply::All(undrained));
    begins(&told, "again: cordon");
    try_step(&mut state, id);
    assert_eq!(undo(&state, id), Some(BcmOp::FollowCategory { node: name("dgx031") }));
    let mut own = planned(|i| {
        let rows = i.bcm.as_mut().unwrap().nodes.as_mut().unwrap();
        rows.iter_mut().find(|row| row.name == name("dgx031")).unwrap().from = ImageFrom::Node;
    });
    try_step(&mut own, id);
    let back = BcmOp::AssignImage { node: name("dgx031"), image: image_name(WORKERS.0) };
    assert_eq!(undo(&own, id), Some(back), "a value of its own is one again");
    try_step(&mut state, "workers/dgx031/sync");
    assert_eq!(undo(&state, id), None);
}

/// A person has removed the image, or worked in it, while the workers were on their way.
#[test]
fn an_image_that_is_gone_or_has_lost_its_packages_is_made_again_before_a_node_gets_it() {
    let (state, id) = (run(), "workers/dgx031/assign-image");
    let at = |state: &RunState, assigned: &str, image: Option<BcmImage>| {
        let first = vec![rows("dgx031", assigned, ImageFrom::Category), of_image(image)];
        judged(state, id, false, &with_lane(first, "dgx031"))
    };
    let all =
        ["image-clone", "image-lock", "image-source", "image-packages", "image-provisioners", "image-unlock"]
            .map(|verb| format!("{verb}-{CLONE}"))
            .join(",");
    let unheld = |image: &mut BcmImage| image.packages.get_mut("kubelet").unwrap().held = false;
    for (image, why) in [
        (None, "is not in BCM any more"),
        (clone_at("1.31.9-1.1", |_| ()), "kubelet 1.31.9-1.1, expected 1.32.9-1.1, held"),
        (clone_at("1.32.9-1.1", unheld), "kubelet 1.32.9-1.1 is not held"),
    ] {
        let told = at(&state, WORKERS.0, image.clone());
        assert!(told.starts_with(&format!("again: {all} ")) && told.contains(why), "{told}");
        begins(&at(&state, CLONE, image), "done: ");
    }
    // The steps that make it are due once, and then a person has to look.
    let step = spec(&state, id).id.clone();
    let mut judged_twice = state.clone();
    let done = || StepStatus::Done { evidence: Evidence::Seen { what: String::new() } };
    let made: Vec<_> = state.plan.steps().filter(|s| s.kind.step().makes_image().is_some()).collect();
    made.iter().for_each(|s| judged_twice.steps.get_mut(&s.id).unwrap().status = done());
    let again = all.split(',').map(String::from).collect();
    let lost = Event::EarlierLost { step, again, reason: String::new() };
    let state = apply(Some(judged_twice), &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &lost).unwrap();
    for spec in made {
        let due = state.steps[&spec.id].status == StepStatus::Pending;
        assert_eq!(due, spec.kind.step().makes_image() == Some(&image_name(CLONE)), "{}", spec.id);
    }
    assert_eq!(
        state.phase().map(|phase| phase.name.as_str()),
        Some("backup"),
        "the first phase that is not over"
    );
    begins(&at(&state, WORKERS.0, None), "blocked: earlier-lost");
}

#[test]
fn an_image_that_the_run_does_not_make_is_never_mended_by_it() {
    let state = planned(|i| {
        i.bcm.as_mut().unwrap().images =
            Ok(vec![image(WORKERS.0, "1.32.9-1.1"), image("k8s-image", "1.31.9-1.1")]);
    });
    let id = "workers/dgx031/assign-image";
    let reply = |image| with_lane(vec![rows("dgx031", "other", ImageFrom::Node), of_image(image)], "dgx031");
    assert_eq!(judged(&state, id, false, &reply(Some(image(WORKERS.0, "1.32.9-1.1")))), "ready");
    for image in [None, Some(image(WORKERS.0, "1.31.9-1.1"))] {
        let told = judged(&state, id, false, &reply(image));
        assert!(told.starts_with("blocked: bcm-image-not-made software image dgx-image "), "{told}");
        assert!(told.ends_with("podlift defer dgx031"), "{told}");
    }
}

/// With the order of BCM's manual the node is neither cordoned nor empty yet.
#[test]
fn a_write_before_the_drain_asks_for_no_cordon() {
    let mut state = planned(|i| i.options.image_order = crate::program::ImageOrder::Runbook);
    let made = || of_image(clone_at("1.32.9-1.1", |_| ()));
    let own = |image: &str| Reply::All(vec![rows("dgx031", image, ImageFrom::Node), made()]);
    assert_eq!(judged(&state, "workers/dgx031/assign-image", false, &own(WORKERS.0)), "ready");
    try_step(&mut state, "workers/dgx031/assign-image");
    let dry = log(|l| l.dry_run = Some(true));
    let reply = Reply::All(vec![
        on(OpOutput::Facts(Box::new(facts("dgx031", false)))),
        state_with(|_| ()),
        rows("dgx031", CLONE, ImageFrom::Node),
        on(OpOutput::BcmSync(Box::new(dry))),
    ]);
    assert_eq!(judged(&state, "workers/dgx031/sync", false, &reply), "ready");
}

/// A reboot between the two passes has brought the packages of the old image back.
#[test]
fn a_control_plane_node_gets_its_image_only_with_packages_of_the_target() {
    let (state, id) = (run(), "kubelets/runai-01/assign-image");
    let reply = |facts: NodeFacts| {
        let rows = rows("runai-01", "k8s-image", ImageFrom::Category);
        let made = of_image(clone_at("1.32.9-1.1", |_| ()));
        Reply::All(vec![rows, made, on(OpOutput::Facts(Box::new(facts)))])
    };
    assert_eq!(judged(&state, id, false, &reply(at_target("runai-01"))), "ready");
    let told = judged(&state, id, false, &reply(facts("runai-01", true)));
    begins(
        &told,
        "again: install-kubeadm,install-kubelet-kubectl,kubelet-config,kubelet-restart,node-ready,verify-api",
    );
    assert_eq!(undo(&state, id), None, "its packages are new, so its image stays");
}

fn at_target(node: &str) -> NodeFacts {
    let mut facts = facts(node, node.starts_with("runai"));
    facts.packages.values_mut().for_each(|p| p.version = "1.32.9-1.1".parse().ok());
    facts
}

fn log(change: fn(&mut BcmSync)) -> BcmSync {
    let mut log = BcmSync {
        node: name("dgx031"),
        began: Some(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(10)),
        mode: Some(SyncMode::Update),
        image: Some(format!("/cm/images/{CLONE}")),
        dry_run: Some(false),
        completed: true,
        rsync_code: None,
        touches: vec![],
        deletes: 3,
        changes: 40,
        request: None,
    };
    change(&mut log);
    log
}

fn assigned() -> RunState {
    let mut state = run();
    try_step(&mut state, "workers/dgx031/assign-image");
    state
}

#[test]
fn a_dry_run_stops_before_anything_protected_would_go() {
    let (mut state, id) = (assigned(), "workers/dgx031/sync-dry-run");
    let at = |state: &RunState, acted, change: fn(&mut BcmSync)| {
        let mut log = log(change);
        log.dry_run = log.dry_run.map(|_| true);
        let first = vec![rows("dgx031", CLONE, ImageFrom::Node), on(OpOutput::BcmSync(Box::new(log)))];
        judged(state, id, acted, &with_lane(first, "dgx031"))
    };
    assert_eq!(at(&state, false, |_| ()), "ready");
    begins(&at(&state, true, |_| ()), "done: imageupdate would write 40 files and delete 3 files");
    begins(&at(&state, true, |l| l.completed = false), "blocked: bcm-sync-failed");
    let told = at(&state, true, |l| l.mode = Some(SyncMode::Full));
    begins(&told, "blocked: sync-full");
    assert!(told.contains("podlift defer dgx031") && told.ends_with("podlift retry"), "{told}");
    let told = at(&state, true, |l| l.touches = vec!["deleting etc/kubernetes/pki/ca.crt".into()]);
    begins(&told, "blocked: sync-touches");
    assert!(told.contains("etc/kubernetes/pki/ca.crt") && told.ends_with("podlift retry"), "{told}");
    begins(&at(&state, true, |l| l.touches = vec!["deleting var/lib/etcd/x".into()]), "done: ");
    let many: fn(&mut BcmSync) = |l| l.deletes = 501;
    begins(&at(&state, true, many), "blocked: sync-deletes");
    // A person has looked at the log.
    let message = at(&state, true, many).split_once(' ').unwrap().1.to_string();
    let key = spec(&state, id).id.clone();
    let reason = crate::program::StopReason {
        code: "sync-deletes".into(),
        message,
        detail: String::new(),
        undone: String::new(),
        next: String::new(),
    };
    state.steps.get_mut(&key).unwrap().status = StepStatus::Failed { reason };
    let name = crate::program::DIFFERENCES.into();
    let attested = Event::Attested { name, by: "jane".into(), note: "old logs".into() };
    let state = apply(Some(state), &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &attested).unwrap();
    begins(&at(&state, true, many), "done: ");
    begins(&at(&state, true, |l| l.deletes = 999), "done: ");
    begins(&at(&state, true, |l| l.deletes = 80_000), "blocked: sync-deletes");
    let other = with_lane(
        vec![rows("dgx031", WORKERS.0, ImageFrom::Category), on(OpOutput::BcmSync(Box::new(log(|_| ()))))],
        "dgx031",
    );
    begins(&judged(&state, id, false, &other), "again: assign-image");
}

/// Facts of the node, provisioners, BCM's row, the log, and the lane.
fn written(facts: NodeFacts, provisioners: Reply, log: BcmSync) -> Reply {
    let first = vec![
        on(OpOutput::Facts(Box::new(facts))),
        provisioners,
        rows("dgx031", CLONE, ImageFrom::Node),
        on(OpOutput::BcmSync(Box::new(log))),
    ];
    with_lane(first, "dgx031")
}

/// What is tried, whether the op has ended, whether the node has the packages, the log, and how the verdict begins.
type Written<'a> = (&'a str, bool, bool, fn(&mut BcmSync), &'a str);

#[test]
fn a_write_of_a_node_is_proven_by_its_log_and_its_packages_together() {
    let (state, id) = (assigned(), "workers/dgx031/sync");
    let cases: &[Written] = &[
        ("both", true, true, |_| (), "done: "),
        ("both, seen before the op", false, true, |_| (), "done: "),
        (
            "a reboot has written it",
            false,
            true,
            |l| l.mode = Some(SyncMode::Sync),
            "done: BCM has written software image dgx-image-k8s-1.32.9, at a reboot",
        ),
        (
            "FULL",
            true,
            true,
            |l| l.mode = Some(SyncMode::Full),
            "done: BCM has written software image dgx-image-k8s-1.32.9, with a FULL install",
        ),
        (
            "nothing installed",
            true,
            false,
            |_| (),
            "blocked: bcm-sync-failed BCM says that dgx031 was written",
        ),
        (
            "a failed request",
            true,
            true,
            |l| l.request = Some("request failed".into()),
            "blocked: bcm-sync-failed imageupdate of dgx031 is not proven: BCM says: request failed",
        ),
        ("no trailer", true, true, |l| l.completed = false, "blocked: bcm-sync-failed"),
        (
            "partial",
            true,
            true,
            |l| l.rsync_code = Some(23),
            "blocked: bcm-sync-failed imageupdate of dgx031 is not proven: rsync ended with code 23",
        ),
        ("a dry run", true, true, |l| l.dry_run = Some(true), "blocked: bcm-sync-failed"),
        (
            "an old log",
            true,
            true,
            |l| l.began = l.began.map(|t| t - SignedDuration::from_hours(1)),
            "blocked: bcm-sync-failed",
        ),
        ("no time", true, true, |l| l.began = None, "blocked: bcm-sync-failed"),
        (
            "the old image",
            true,
            true,
            |l| l.image = Some("/cm/images/dgx-image".into()),
            "blocked: bcm-sync-failed imageupdate of dgx031 is not proven: BCM has sent the old image dgx-image",
        ),
        ("not yet", false, false, |l| l.dry_run = Some(true), "ready"),
        ("packages without a log", false, true, |l| l.began = None, "ready"),
    ];
    for (what, acted, there, change, want) in cases {
        let facts = if *there { at_target("dgx031") } else { facts("dgx031", false) };
        let got = judged(&state, id, *acted, &written(facts, state_with(|_| ()), log(*change)));
        assert!(got.starts_with(want), "{what}: {got}");
    }
    // The node had the image already, so that no op of this run has assigned it.
    let there = judged(&run(), id, true, &written(at_target("dgx031"), state_with(|_| ()), log(|_| ())));
    begins(&there, "done: ");
    let mut unheld = at_target("dgx031");
    unheld.packages.get_mut("kubelet").unwrap().held = false;
    let told = judged(&state, id, true, &written(unheld, state_with(|_| ()), log(|_| ())));
    assert!(told.contains("package kubelet is not held"), "{told}");
}

#[test]
fn a_write_waits_for_a_slot_and_for_provisioners_that_have_the_image() {
    let (mut state, id) = (assigned(), "workers/dgx031/sync");
    let at = |state: &RunState, change: fn(&mut BcmProvisioning), l: fn(&mut BcmSync)| {
        judged(state, id, false, &written(facts("dgx031", false), state_with(change), log(l)))
    };
    let dry: fn(&mut BcmSync) = |l| l.dry_run = Some(true);
    begins(
        &at(&state, |s| s.provisioners.iter_mut().for_each(|p| p.in_use = 10), dry),
        "wait: waits for its turn: all 20 slots of 2 provisioners are taken",
    );
    assert_eq!(at(&state, |s| s.provisioners[0].in_use = 10, dry), "ready");
    let full_or_drained: fn(&mut BcmProvisioning) =
        |s| (s.provisioners[0].in_use, s.provisioners[1].drained) = (10, true);
    begins(&at(&state, full_or_drained, dry), "wait: waits for its turn");
    begins(
        &at(&state, |s| s.provisioners[1].up_to_date = Some(vec![]), dry),
        "again: image-provisioners-dgx-image-k8s-1.32.9",
    );
    // Of two lanes that wait for one slot, the one that has waited longer takes it, and the other one counts it.
    let one_slot: fn(&mut BcmProvisioning) = |s| {
        s.provisioners.truncate(1);
        s.provisioners[0].slots = 1;
    };
    let second = |n| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(n);
    let due = |mine: i64, other: i64| {
        let mut waiting = state.clone();
        for (node, since) in [("dgx031", mine), ("dgx032", other)] {
            let id = spec(&state, &format!("workers/{node}/sync-dry-run")).id.clone();
            let step = waiting.steps.get_mut(&id).unwrap();
            let evidence = Evidence::Seen { what: String::new() };
            (step.status, step.ended) = (StepStatus::Done { evidence }, Some(second(since)));
        }
        waiting
    };
    assert_eq!(at(&due(1, 2), one_slot, dry), "ready");
    assert_eq!(at(&due(1, 1), one_slot, dry), "ready", "its step comes first in the plan");
    begins(&at(&due(2, 1), one_slot, dry), "wait: waits for its turn");
    // A write that is under way counts, even if BCM does not show it yet.
    let mut open = due(1, 2);
    let sync = spec(&state, "workers/dgx032/sync").id.clone();
    let (op_id, ledger) = (podlift_model::OpId::new("r1-s1-a1").unwrap(), None);
    open.steps.get_mut(&sync).unwrap().status = StepStatus::Started { op_id, ledger };
    begins(&at(&open, one_slot, dry), "wait: waits for its turn");
    // The coordinator or the head node went away in the middle: the request may still be worked on.
    try_step(&mut state, id);
    let open: fn(&mut BcmSync) = |l| l.completed = false;
    begins(&at(&state, |_| (), open), "wait: an imageupdate of dgx031 is still under way");
    assert_eq!(
        at(&state, |_| (), |l| (l.completed, l.rsync_code) = (false, Some(12))),
        "ready",
        "it has ended"
    );
}

#[test]
fn packages_of_an_image_are_looked_at_and_never_installed_beside_it() {
    let (state, id) = (assigned(), "workers/dgx031/install-kubelet-kubectl");
    let reply = |facts: NodeFacts| with_lane(vec![on(OpOutput::Facts(Box::new(facts)))], "dgx031");
    begins(&judged(&state, id, false, &reply(at_target("dgx031"))), "done: ");
    begins(&judged(&state, id, false, &reply(facts("dgx031", false))), "again: sync");
}

/// A control-plane node that rebooted between its two passes has the kubeadm of the old image, which can't apply single addons.
#[test]
fn addons_ask_for_the_kubeadm_of_the_target_again() {
    let mut state = run();
    let id = "addons/addons";
    let reply = |facts: NodeFacts| {
        let view = ClusterReply::Addons(AddonsView { kube_proxy: true, coredns: true, ..Default::default() });
        let first = [view, ClusterReply::Nodes(vec![])].map(Reply::Cluster);
        Reply::All(first.into_iter().chain([on(OpOutput::Facts(Box::new(facts)))]).collect())
    };
    assert_eq!(judged(&state, id, false, &reply(at_target("runai-01"))), "ready");
    let told = judged(&state, id, false, &reply(facts("runai-01", true)));
    begins(&told, "again: install-kubeadm package kubeadm of runai-01 is 1.31.9-1.1");
    // The first pass of the node is judged again, and no later step of it.
    let done = || StepStatus::Done { evidence: Evidence::Seen { what: String::new() } };
    let of = |id: &str| spec(&state, id).id.clone();
    let [package, apply_, addons] =
        ["control-plane/runai-01/install-kubeadm", "control-plane/runai-01/kubeadm-apply", id].map(of);
    for id in [&package, &apply_] {
        state.steps.get_mut(id).unwrap().status = done();
    }
    let lost =
        Event::EarlierLost { step: addons, again: vec!["install-kubeadm".into()], reason: String::new() };
    let state = apply(Some(state), &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &lost).unwrap();
    let status = |id: &podlift_model::StepId| state.steps[id].status.clone();
    assert_eq!((status(&package), status(&apply_)), (StepStatus::Pending, done()));
}
