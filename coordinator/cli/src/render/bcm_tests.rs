//! Goldens of BCM's part of a run: the head node's step in status and events, and the images in the report.

use super::status::Shown;
use super::tests::{aged, paused, run};
use super::{event, report, status};
use crate::out::Screen;
use podlift_coordinator::testing::{Fleet, name};
use podlift_engine::NodeRole;
use podlift_engine::machine::Event;
use podlift_engine::program::Evidence;
use podlift_engine::view::{AtHead, BcmReport, ImageReport};
use podlift_model::StepId;
use podlift_model::bcm::{CategoryName, ImageName};

const STEP: &str = "images/image-packages-dgx-image-k8s-1.32.9";

fn step() -> StepId {
    StepId::new(STEP).unwrap()
}

#[test]
fn an_event_names_the_head_node_that_acts_after_a_failover() {
    let line = event::text(&Event::HeadActs { head: name("head-02") }, None);
    assert!(line.starts_with("head-02 runs BCM's tools from now on"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn the_status_says_what_the_head_node_does() {
    let coordinator = paused(&Fleet::new()).await;
    let mut seen = aged(coordinator.status(None).unwrap());
    let run = seen.run.as_mut().unwrap();
    (run.status, run.paused, run.phase) = ("running".into(), None, Some("Software images".into()));
    let screen = Screen { width: Some(80), height: None, colour: false };
    for (line, shown) in [
        (None, "  head-01 image-packages-dgx-image-k8s-1.32.9, working\n"),
        (
            Some("Setting up kubelet\nmore"),
            "  head-01 image-packages-dgx-image-k8s-1.32.9, working: Setting up kubelet\n",
        ),
    ] {
        let at_head = AtHead {
            head: name("head-01"),
            step: step(),
            state: "working".into(),
            line: line.map(String::from),
        };
        seen.run.as_mut().unwrap().at_head = Some(at_head);
        let text = status::status(&seen, Shown::default(), screen);
        assert!(text.contains(shown), "{text}");
    }
}

#[test]
fn an_event_of_the_head_node_has_its_name_where_it_is_known() {
    let done = Event::StepDone { step: step(), evidence: Evidence::Seen { what: "installed".into() } };
    let text = |head| anstream::adapter::strip_str(&event::text(&done, head)).to_string();
    let head = name("head-01");
    assert_eq!(text(Some(&head)), "head-01    image-packages-dgx-image-k8s-1.32.9: done, installed");
    assert_eq!(text(None), "head       image-packages-dgx-image-k8s-1.32.9: done, installed");
}

fn image(from: &str, image: &str, role: NodeRole, nodes: &[&str]) -> ImageReport {
    let nodes: Vec<_> = nodes.iter().map(|node| name(node)).collect();
    ImageReport {
        from: ImageName::new(from).unwrap(),
        image: ImageName::new(image).unwrap(),
        role,
        ready: true,
        assigned: nodes.clone(),
        synced: if role == NodeRole::Worker { nodes } else { vec![] },
        waiting: vec![],
        categories: vec![CategoryName::new(format!("{from}-nodes")).unwrap()],
        others: vec![],
        old_unused: true,
    }
}

#[tokio::test(start_paused = true)]
async fn the_report_says_which_images_were_made_and_which_are_left() {
    let coordinator = paused(&Fleet::new()).await;
    let mut seen = coordinator.report(Some(&run())).unwrap();
    assert!(!report::markdown(&seen).contains("## Software images"));
    let workers = image("dgx", "dgx-k8s-1.32.9", NodeRole::Worker, &["dgx030", "dgx031"]);
    let planes = image("k8s", "k8s-k8s-1.32.9-control-plane", NodeRole::ControlPlane, &["runai-01"]);
    let begun = ImageReport {
        ready: false,
        assigned: vec![],
        synced: vec![],
        waiting: vec![name("b200-1"), name("b200-2")],
        categories: vec![],
        others: vec![name("login-01")],
        old_unused: false,
        ..image("b200", "b200-k8s-1.32.9", NodeRole::Worker, &[])
    };
    seen.bcm = Some(BcmReport { head: name("head-01"), images: vec![workers, planes, begun] });
    let text = report::markdown(&seen);
    let from = text.find("## Software images").unwrap();
    let to = from + text[from + 3..].find("\n## ").unwrap() + 3;
    insta::assert_snapshot!(text[from..to].trim_end(), @r"
    ## Software images

    Made by head node head-01.

    | old image | new image | role | ready | assigned | written by BCM | categories |
    |---|---|---|---|---|---|---|
    | dgx | dgx-k8s-1.32.9 | worker | yes | dgx[030-031] | dgx[030-031] | dgx-nodes |
    | k8s | k8s-k8s-1.32.9-control-plane | control-plane | yes | runai-01 | - | k8s-nodes |
    | b200 | b200-k8s-1.32.9 | worker | no | - | - | - |

    - b200-k8s-1.32.9 not assigned to b200-[1-2]
    - b200 is kept by nodes outside of the run: login-01
    - dgx is used by no node any more. podlift does not remove it: it is the way back (docs/bcm.md).
    - k8s is used by no node any more. podlift does not remove it: it is the way back (docs/bcm.md).
    ");
}
