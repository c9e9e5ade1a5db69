//! Which nodes go through which image, what refuses the image path, and what other nodes keep.

mod refusals;

use super::*;
use crate::goals::upgrade::build;
use crate::inventory::NodeRole;
use crate::program::{Program, Severity, Waiver};
use crate::testing::bcm::{SERVERS, WORKERS, image, image_name, node, with_images};
use crate::testing::{input, name};
use podlift_model::bcm::{CategoryName, ImageFrom};

fn imaged() -> PlanInput {
    let mut i = input();
    with_images(&mut i);
    i
}

fn rows(i: &mut PlanInput) -> &mut Vec<BcmNode> {
    i.bcm.as_mut().unwrap().nodes.as_mut().unwrap()
}

fn images(i: &mut PlanInput) -> &mut Vec<BcmImage> {
    i.bcm.as_mut().unwrap().images.as_mut().unwrap()
}

fn row<'a>(i: &'a mut PlanInput, of: &str) -> &'a mut BcmNode {
    rows(i).iter_mut().find(|row| row.name == name(of)).unwrap()
}

/// `from > image (role): nodes; categories; others`.
fn shown(plan: &Program) -> Vec<String> {
    let images = plan.bcm.iter().flat_map(|bcm| &bcm.images);
    let join = |names: &[NodeName]| names.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(",");
    images
        .map(|p| {
            let categories: Vec<&str> = p.categories.iter().map(|c| c.as_str()).collect();
            let (nodes, others) = (join(&p.nodes), join(&p.others));
            format!("{} > {} ({}): {nodes}; {}; {others}", p.from, p.image, p.role, categories.join(","))
        })
        .collect()
}

fn found(plan: &Program, check: &str, severity: Severity) -> Vec<String> {
    let of = plan.findings.iter().filter(|f| f.check == check && f.severity == severity);
    of.map(|f| f.evidence.clone()).collect()
}

fn verbs(plan: &Program, phase: &str) -> Vec<String> {
    plan.phases
        .iter()
        .filter(|p| p.name == phase)
        .flat_map(|p| &p.lanes)
        .flat_map(|l| &l.steps)
        .map(|s| s.kind.step().verb())
        .collect()
}

fn lane(plan: &Program, phase: &str, node: &str) -> Vec<String> {
    let lanes = plan.phases.iter().filter(|p| p.name == phase).flat_map(|p| &p.lanes);
    let mine = lanes.filter(|l| l.node == Some(name(node)));
    mine.flat_map(|l| &l.steps).map(|s| s.kind.step().verb()).collect()
}

const SERVER_PLAN: &str = "k8s-image > k8s-image-k8s-1.32.9-control-plane (control-plane): runai-01,runai-02,runai-03; runai-control-plane; ";
const WORKER_PLAN: &str =
    "dgx-image > dgx-image-k8s-1.32.9 (worker): dgx030,dgx031,dgx032,dgx033; dgx-h100; ";

#[test]
fn each_image_has_one_clone_for_each_role_and_its_categories_follow() {
    let plan = build(&imaged()).unwrap();
    assert_eq!(plan.findings, [], "{:#?}", plan.findings);
    assert_eq!(shown(&plan), [WORKER_PLAN, SERVER_PLAN]);
    let bcm = plan.bcm.as_ref().unwrap();
    assert_eq!((bcm.head.as_str(), bcm.learn_config), ("head-01", true));
    assert_eq!(bcm.version.as_ref().unwrap().to_string(), "1.32.9-1.1");
    assert_eq!(bcm.nodes.len(), 7);
    let of = &bcm.nodes[&name("dgx030")];
    assert_eq!((of.old.as_str(), of.from), (WORKERS.0, ImageFrom::Category));
    // The document is read back as it was written.
    assert_eq!(Program::from_json(&plan.to_json()), Ok(plan.clone()));
}

#[test]
fn the_order_with_software_images() {
    let plan = build(&imaged()).unwrap();
    let image = "dgx-image-k8s-1.32.9";
    let made = ["clone", "lock", "source", "packages", "provisioners", "unlock"];
    assert_eq!(verbs(&plan, "images")[..6], made.map(|what| format!("image-{what}-{image}")));
    assert_eq!(verbs(&plan, "images").len(), 12);
    assert_eq!(
        lane(&plan, "workers", "dgx031"),
        [
            "node-reachable",
            "cordon",
            "drain",
            "assign-image",
            "sync-dry-run",
            "sync",
            "install-kubeadm",
            "install-kubelet-kubectl",
            "kubeadm-node",
            "kubelet-restart",
            "node-ready",
            "devices-back",
            "uncordon",
            "image-release",
        ]
    );
    let server = lane(&plan, "kubelets", "runai-01");
    let at = |verb: &str| server.iter().position(|v| v == verb).unwrap();
    assert!(at("verify-api") < at("assign-image") && at("assign-image") < at("uncordon"), "{server:?}");
    assert!(at("install-kubeadm") < at("install-kubelet-kubectl"), "a reboot may have brought the old one");
    assert_eq!(verbs(&plan, "root-cause"), ["repair-config", "learn-config"]);
    assert_eq!(
        verbs(&plan, "bcm"),
        ["learn-config", "category-image-dgx-h100", "category-image-runai-control-plane", "bcm-version"]
    );
    let phases: Vec<&str> = plan.phases.iter().map(|p| p.name.as_str()).collect();
    let at = |phase: &str| phases.iter().position(|p| *p == phase).unwrap();
    assert!(at("pre-stage") < at("images") && at("images") < at("control-plane"), "{phases:?}");
    assert!(at("verify") < at("bcm") && at("bcm") < at("after"), "{phases:?}");
}

/// The order of BCM's manual: the image is written while the node still works.
#[test]
fn a_site_may_have_images_written_before_the_drain() {
    let mut i = imaged();
    i.options.image_order = crate::program::ImageOrder::Runbook;
    let plan = build(&i).unwrap();
    let of = lane(&plan, "workers", "dgx031");
    let head = ["node-reachable", "assign-image", "sync-dry-run", "sync", "install-kubeadm"];
    assert_eq!(of[..5], head);
    assert_eq!(of[5..10], ["install-kubelet-kubectl", "kubeadm-node", "cordon", "drain", "kubelet-restart"]);
    // A node with packages keeps its order, because its kubelet could start anew at any moment.
    let mut i = input();
    i.options.image_order = crate::program::ImageOrder::Runbook;
    assert_eq!(lane(&build(&i).unwrap(), "workers", "dgx031")[1], "cordon");
}

type Change = fn(&mut PlanInput);

#[test]
fn a_shared_image_stays_and_so_does_a_category_with_other_nodes() {
    let mut i = imaged();
    rows(&mut i).push(node("login-01", (WORKERS.0, "login")));
    let plan = build(&i).unwrap();
    assert_eq!(shown(&plan)[0], format!("{WORKER_PLAN}login-01"));
    assert!(
        found(&plan, BCM_IMAGES, Severity::Note)[0].contains("shared with 1 node"),
        "{:?}",
        plan.findings
    );

    // Another cluster's node of the same category.
    let mut i = imaged();
    rows(&mut i).push(node("dgx099", WORKERS));
    let plan = build(&i).unwrap();
    assert!(shown(&plan)[0].ends_with("; ; dgx099"), "{:?}", shown(&plan));
    assert!(!verbs(&plan, "bcm").contains(&"category-image-dgx-h100".to_string()));
    let notes = found(&plan, BCM_IMAGES, Severity::Note);
    assert!(notes.iter().any(|n| n.contains("category dgx-h100 keeps its software image")), "{notes:?}");

    // Two categories with one image: one clone, and both get it.
    let mut i = imaged();
    row(&mut i, "dgx033").category = CategoryName::new("dgx-b200").ok();
    let plan = build(&i).unwrap();
    assert!(shown(&plan)[0].contains("; dgx-b200,dgx-h100; "), "{:?}", shown(&plan));
    assert_eq!(plan.blockers().count(), 0);

    // Both roles have one image: a clone for each of them, and a category of both keeps its own.
    let mut i = imaged();
    for n in rows(&mut i) {
        (n.image, n.category) = (Some(image_name(SERVERS.0)), CategoryName::new("all").ok());
    }
    let plan = build(&i).unwrap();
    let roles: Vec<(NodeRole, String)> =
        plan.bcm.as_ref().unwrap().images.iter().map(|p| (p.role, p.image.to_string())).collect();
    assert_eq!(
        roles,
        [
            (NodeRole::ControlPlane, "k8s-image-k8s-1.32.9-control-plane".to_string()),
            (NodeRole::Worker, "k8s-image-k8s-1.32.9".to_string())
        ]
    );
    assert!(found(&plan, BCM_IMAGES, Severity::Note)[0].contains("its nodes get different images"));
}

#[test]
fn a_run_for_some_nodes_leaves_the_others_and_their_category() {
    let mut i = imaged();
    i.nodes = ["dgx030", "dgx031", "runai-01", "runai-02", "runai-03"].map(name).into();
    let plan = build(&i).unwrap();
    assert_eq!(shown(&plan)[0], "dgx-image > dgx-image-k8s-1.32.9 (worker): dgx030,dgx031; ; dgx032,dgx033");
    let mut without = imaged();
    without.options.without = vec!["dgx033".into()];
    let plan = build(&without).unwrap();
    // It may be included later, and goes by its image then; until then its category keeps what it has.
    let all = "dgx030,dgx031,dgx032,dgx033; dgx-h100; ";
    assert_eq!(shown(&plan)[0], format!("dgx-image > dgx-image-k8s-1.32.9 (worker): {all}"));
    let lane = plan.steps().filter(|s| s.node == Some(name("dgx033"))).map(|s| s.kind.step().verb());
    assert!(lane.collect::<Vec<_>>().contains(&"assign-image".to_string()));
}

/// The others were upgraded by an earlier run, which had to leave the category as it was.
#[test]
fn the_last_node_of_a_category_brings_it_the_image() {
    let new = "dgx-image-k8s-1.32.9";
    let mut i = imaged();
    images(&mut i).push(image(new, "1.32.9-1.1"));
    for node in ["dgx030", "dgx032", "dgx033"] {
        let row = row(&mut i, node);
        (row.image, row.from) = (Some(image_name(new)), ImageFrom::Node);
    }
    i.nodes = ["dgx031", "runai-01", "runai-02", "runai-03"].map(name).into();
    let with = build(&i).unwrap();
    assert!(
        verbs(&with, "bcm").contains(&"category-image-dgx-h100".to_string()),
        "{:?}",
        verbs(&with, "bcm")
    );
    row(&mut i, "dgx033").image = Some(image_name("dgx-image"));
    let without = build(&i).unwrap();
    assert!(!verbs(&without, "bcm").contains(&"category-image-dgx-h100".to_string()));
}

#[test]
fn a_bcm_that_gives_no_node_an_image_blocks_nothing() {
    let mut i = imaged();
    rows(&mut i).iter_mut().for_each(|row| row.image = None);
    i.bcm.as_mut().unwrap().state = Err("cmha is not there".into());
    let plan = build(&i).unwrap();
    assert_eq!(plan.blockers().count(), 0, "{:#?}", plan.findings);
    assert!(plan.bcm.as_ref().unwrap().images.is_empty());
}

/// A clone whose hold was lost, or that has another revision: nothing would bring it to the target.
#[test]
fn an_image_with_the_clones_name_that_is_not_at_the_target_is_refused() {
    let mut i = imaged();
    for row in rows(&mut i).iter_mut().filter(|row| row.image == Some(image_name(WORKERS.0))) {
        row.image = Some(image_name("dgx-image-k8s-1.32.9"));
    }
    images(&mut i).push(image("dgx-image-k8s-1.32.9", "1.31.9-1.1"));
    let plan = build(&i).unwrap();
    let blocked = found(&plan, BCM_IMAGES, Severity::Blocker);
    assert!(blocked.iter().any(|b| b.contains("nodes have it, so install and hold")), "{blocked:?}");
}

/// An earlier run has made the clone and assigned it to one node.
#[test]
fn what_an_earlier_run_has_made_is_used() {
    let mut i = imaged();
    images(&mut i).push(image("dgx-image-k8s-1.32.9", "1.32.9-1.1"));
    let one = row(&mut i, "dgx030");
    (one.image, one.from) = (Some(image_name("dgx-image-k8s-1.32.9")), ImageFrom::Node);
    let plan = build(&i).unwrap();
    assert_eq!(plan.blockers().count(), 0, "{:#?}", plan.findings);
    let clones = verbs(&plan, "images").iter().filter(|v| v.starts_with("image-clone-dgx")).count();
    assert_eq!(clones, 1, "each step once: {:?}", verbs(&plan, "images"));
    let ids: BTreeSet<_> = plan.steps().map(|s| &s.id).collect();
    assert_eq!(ids.len(), plan.steps().count(), "no id twice");
    let categories = verbs(&plan, "bcm");
    assert_eq!(categories.iter().filter(|v| *v == "category-image-dgx-h100").count(), 1, "{categories:?}");

    // An image that the site has prepared itself is used as it is.
    let mut i = imaged();
    images(&mut i)[0] = image(WORKERS.0, "1.32.9-1.1");
    let plan = build(&i).unwrap();
    assert!(shown(&plan)[0].starts_with("dgx-image > dgx-image (worker)"), "{:?}", shown(&plan));
    assert_eq!(verbs(&plan, "images")[0], "image-provisioners-dgx-image");
}

#[test]
fn nodes_at_the_target_get_the_image_that_keeps_them_there() {
    let mut i = imaged();
    let node = i.inventory.nodes.iter_mut().find(|n| n.name == name("dgx030")).unwrap();
    node.view.kubelet = "v1.32.9".parse().ok();
    let facts = node.facts.as_mut().unwrap();
    (facts.kubelet, facts.kubeadm) = (Some(i.to), Some(i.to));
    facts.packages.values_mut().for_each(|p| p.version = "1.32.9-1.1".parse().ok());
    let plan = build(&i).unwrap();
    assert_eq!(
        lane(&plan, "at-target", "dgx030"),
        ["install-kubeadm-kubelet-kubectl", "node-ready", "assign-image"]
    );
}

#[test]
fn without_the_image_path_nodes_get_packages_and_the_plan_says_what_that_means() {
    let off: &[(&str, Change)] = &[
        ("switched off", |i| i.options.images = false),
        ("not known", |i| i.bcm.as_mut().unwrap().nodes = Err("cmsh ended with 1".into())),
    ];
    for (what, change) in off {
        let mut i = imaged();
        change(&mut i);
        let plan = build(&i).unwrap();
        let blockers: Vec<_> = plan.blockers().collect();
        assert!(blockers.len() == 1 && blockers[0].check == BCM_IMAGES, "{what}: {blockers:#?}");
        assert!(blockers[0].evidence.contains("dgx030, dgx031, dgx032 and 4 more"), "{what}: {blockers:#?}");
        assert!(blockers[0].next.ends_with("--waive bcm-images=REASON"), "{what}");
        i.waivers =
            vec![Waiver { check: BCM_IMAGES.into(), reason: "no image yet".into(), by: "jane".into() }];
        let plan = build(&i).unwrap();
        assert_eq!(plan.blockers().count(), 0, "{what}: {:#?}", plan.findings);
        assert!(
            verbs(&plan, "images").is_empty() && !lane(&plan, "workers", "dgx031").contains(&"sync".into())
        );
        assert_eq!(verbs(&plan, "bcm"), ["learn-config", "bcm-version"]);
    }
    // BCM provisions no node of this cluster: packages, as before there were images.
    let plan = build(&input()).unwrap();
    assert_eq!(plan.findings, []);
    assert!(plan.bcm.unwrap().nodes.is_empty());
}

/// A node that BCM does not list gets packages, beside others with images.
#[test]
fn a_node_that_bcm_does_not_list_is_named() {
    let mut i = imaged();
    rows(&mut i).retain(|row| row.name != name("dgx032"));
    let plan = build(&i).unwrap();
    assert_eq!(plan.blockers().count(), 0, "{:#?}", plan.findings);
    assert!(
        found(&plan, BCM_IMAGES, Severity::Note)[0]
            .contains("the name of dgx032: packages are installed on its own disk")
    );
    assert!(!lane(&plan, "workers", "dgx032").contains(&"sync".into()));
    assert!(lane(&plan, "workers", "dgx033").contains(&"sync".into()));
}

#[test]
fn the_version_is_written_only_where_the_whole_control_plane_has_it() {
    let mut i = imaged();
    i.nodes = ["dgx030"].map(name).into();
    assert_eq!(build(&i).unwrap().bcm.unwrap().version, None);
    i.bcm = None;
    assert_eq!(build(&i).unwrap().bcm, None);
}

#[test]
fn what_bcm_says_of_images_is_part_of_the_contract() {
    let before = build(&imaged()).unwrap();
    let mut i = imaged();
    i.bcm.as_mut().unwrap().recorded = Err("cmsh ended with 1".into());
    assert_eq!(build(&i).unwrap().hash, before.hash, "what the metadata says decides nothing");
    row(&mut i, "dgx033").image = Some(image_name(SERVERS.0));
    let now = build(&i).unwrap();
    assert_ne!(now.hash, before.hash);
    assert_eq!(crate::program::differences(&before, &now), ["software images"]);
}
