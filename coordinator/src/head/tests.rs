//! BCM's part of a plan's input: what is asked, in which order, and what a part is that is not known.

use super::*;
use crate::exec::Counts;
use crate::testing::{Fleet, HEAD, name};
use podlift_engine::goals::BcmView;
use podlift_engine::inventory::Inventory;
use podlift_model::bcm::{CategoryName, ImageFrom, ImageName};
use std::collections::BTreeSet;

fn image(text: &str) -> ImageName {
    ImageName::new(text).unwrap()
}

async fn view_of(fleet: &Arc<Fleet>, nodes: &[&str], images: bool, counts: &Counts) -> BcmView {
    let inventory = {
        let s = fleet.lock();
        Inventory::join(s.views.values().cloned().collect(), s.facts.values().cloned().collect())
    };
    let nodes: Vec<NodeName> = nodes.iter().map(|node| name(node)).collect();
    let scope = Scope { inventory: &inventory, nodes: &nodes, to: "v1.32.9".parse().unwrap(), images };
    Head::new(fleet.clone(), name(HEAD)).view(&scope, counts).await
}

async fn view(fleet: &Arc<Fleet>) -> BcmView {
    view_of(fleet, &[], true, &Counts::default()).await
}

fn with_bcm() -> Arc<Fleet> {
    let fleet = Fleet::new();
    fleet.lock().add_bcm();
    fleet
}

fn asked(fleet: &Fleet) -> Vec<&'static str> {
    fleet.lock().bcm_site().asked.iter().map(|look| look.verb().trim_start_matches("observe-bcm-")).collect()
}

#[tokio::test(start_paused = true)]
async fn one_question_after_another_and_none_twice() {
    let fleet = with_bcm();
    let seen = view(&fleet).await;
    assert!(seen.state.is_ok() && seen.minors.is_ok() && seen.recorded.is_ok() && seen.clusters.is_ok());
    assert_eq!(seen.nodes.as_ref().unwrap().len(), 6, "one of them is no node of the cluster");
    let images = seen.images.as_ref().unwrap();
    let looked: Vec<&str> =
        images.iter().filter(|image| image.source.is_some()).map(|image| image.name.as_str()).collect();
    assert_eq!(
        (images.len(), looked),
        (3, vec!["dgx-image", "k8s-image"]),
        "only what is in use is looked into"
    );
    let nodes: Vec<&str> = seen.excludes.keys().map(|node| node.as_str()).collect();
    assert_eq!(nodes, ["dgx030", "runai-01"], "one node of each group");
    let order =
        "head versions cluster-version clusters nodes images image image provisioning excludes excludes";
    assert_eq!(asked(&fleet).join(" "), order);
    let mut s = fleet.lock();
    let site = s.bcm_site();
    let once: BTreeSet<String> = site.asked.iter().map(|look| format!("{look:?}")).collect();
    assert_eq!((once.len(), site.most_at_once), (site.asked.len(), 1), "BCM's tools run one at a time");
}

#[tokio::test(start_paused = true)]
async fn a_clone_for_the_target_is_looked_into_too() {
    let fleet = with_bcm();
    {
        let mut s = fleet.lock();
        let site = s.bcm_site();
        for name in ["dgx-image-k8s-1.32.9", "dgx-image-k8s-1.30.1"] {
            let clone = podlift_model::bcm::BcmImage {
                name: image(name),
                ..site.images[&image("dgx-image")].clone()
            };
            site.images.insert(image(name), clone);
        }
    }
    let images = view(&fleet).await.images.unwrap();
    let looked = |of: &str| images.iter().find(|i| i.name == image(of)).unwrap().source.is_some();
    assert!(looked("dgx-image-k8s-1.32.9") && !looked("dgx-image-k8s-1.30.1"));
}

#[tokio::test(start_paused = true)]
async fn nodes_of_other_categories_and_origins_are_groups_of_their_own() {
    let fleet = Fleet::with_workers(5);
    {
        let mut s = fleet.lock();
        s.add_bcm();
        let site = s.bcm_site();
        let row = |node: &str| name(node);
        site.nodes.get_mut(&row("dgx031")).unwrap().from = ImageFrom::Node;
        site.nodes.get_mut(&row("dgx032")).unwrap().category = CategoryName::new("dgx-b200").ok();
        site.nodes.get_mut(&row("dgx033")).unwrap().image = None;
        site.nodes.get_mut(&row("dgx034")).unwrap().category = None;
    }
    let seen =
        view_of(&fleet, &["dgx030", "dgx031", "dgx032", "dgx033", "dgx034"], true, &Counts::default()).await;
    let nodes: Vec<&str> = seen.excludes.keys().map(|node| node.as_str()).collect();
    assert_eq!(nodes, ["dgx030", "dgx031", "dgx032", "dgx034"]);
    assert_eq!(seen.images.unwrap().iter().filter(|image| image.source.is_some()).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_no_node_of_the_run_needs_is_not_asked() {
    for (nodes, images, listed) in
        [(&["dgx030"][..], false, true), (&["dgx030"], true, false), (&["none"], true, true)]
    {
        let fleet = with_bcm();
        if !listed {
            fleet.lock().bcm_site().nodes.clear();
        }
        let seen = view_of(&fleet, nodes, images, &Counts::default()).await;
        assert_eq!(asked(&fleet).join(" "), "head versions cluster-version clusters nodes");
        let why = seen.images.unwrap_err();
        assert!(why.starts_with("it was not asked for") && seen.excludes.is_empty(), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_away_costs_one_wait_and_every_part_says_so() {
    let fleet = with_bcm();
    fleet.lock().offline.insert(name(HEAD));
    let begin = Instant::now();
    let seen = view(&fleet).await;
    let why = seen.state.unwrap_err();
    assert!(why.starts_with("waits for the agent of head node head-01: it is not connected"), "{why}");
    assert_eq!((seen.minors, seen.recorded), (Err(why.clone()), Err(why.clone())));
    assert_eq!((seen.clusters, seen.nodes), (Err(why.clone()), Err(why)));
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_hangs_costs_one_limit() {
    let fleet = with_bcm();
    fleet.lock().bcm_site().deaf.insert(Look::BcmVersions.verb());
    let begin = Instant::now();
    let seen = view(&fleet).await;
    assert!(seen.state.is_ok());
    let why = seen.minors.unwrap_err();
    assert!(why.contains("did not answer within 180 s"), "{why}");
    assert_eq!(seen.nodes, Err(why));
    assert!(begin.elapsed() < Duration::from_secs(195), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_older_agent_says_what_it_can_and_names_the_update() {
    let fleet = with_bcm();
    fleet.lock().bcm_site().old = true;
    let seen = view(&fleet).await;
    assert!(seen.minors.is_ok() && seen.recorded.is_ok(), "{seen:?}");
    for why in [seen.state.unwrap_err(), seen.nodes.unwrap_err(), seen.clusters.unwrap_err()] {
        assert!(why.contains("install the package podlift-agent of this version there"), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_that_can_t_be_looked_into_is_named() {
    let fleet = with_bcm();
    let gone = OpOutput::BcmImage(None);
    fleet.lock().bcm.insert("observe-bcm-image", gone);
    let why = view(&fleet).await.images.unwrap_err();
    assert!(
        why.contains("software image dgx-image is in BCM's list, and BCM has no image of that name"),
        "{why}"
    );
    fleet.lock().bcm.insert("observe-bcm-image", OpOutput::BcmVersions(vec![]));
    let why = view(&fleet).await.images.unwrap_err();
    assert!(
        why.contains("software image dgx-image: the agent of head node head-01 answered something other"),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn watchers_of_a_plan_see_how_far_bcm_is() {
    let (fleet, counts) = (with_bcm(), Counts::default());
    {
        let mut s = fleet.lock();
        let site = s.bcm_site();
        let (name, old) = (image("dgx-image-k8s-1.32.9"), site.images[&image("dgx-image")].clone());
        site.images.insert(name.clone(), podlift_model::bcm::BcmImage { name, ..old });
    }
    view_of(&fleet, &[], true, &counts).await;
    let told: Vec<(&str, usize, usize)> =
        counts.subscribe().borrow().iter().map(|c| (c.what, c.done, c.total)).collect();
    assert_eq!(
        told,
        [
            ("BCM", 5, 5),
            ("software images", 2, 2),
            ("files of software images", 3, 3),
            ("exclude lists", 2, 2)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_clusters_of_bcm_are_listed() {
    let fleet = with_bcm();
    let head = Head::new(fleet.clone(), name(HEAD));
    let names: Vec<String> =
        head.clusters().await.unwrap().into_iter().map(|cluster| cluster.name.to_string()).collect();
    assert_eq!(names, ["k8s-admin", "runaicluster"]);
}
