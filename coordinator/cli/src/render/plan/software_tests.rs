//! Goldens of the software images of a plan.

use super::super::tests::on_terminals;
use crate::out::Screen;
use crate::table::wrapped;
use podlift_engine::NodeRole;
use podlift_engine::goals::build;
use podlift_engine::program::{BcmPlan, ImagePlan, Program};
use podlift_engine::testing::{input, name};
use podlift_model::bcm::{CategoryName, ImageName};
use std::collections::BTreeMap;

fn image(
    from: &str,
    image: &str,
    role: NodeRole,
    nodes: &str,
    categories: &[&str],
    others: &str,
) -> ImagePlan {
    let names = |text: &str| text.split_whitespace().map(name).collect();
    ImagePlan {
        from: ImageName::new(from).unwrap(),
        image: ImageName::new(image).unwrap(),
        role,
        nodes: names(nodes),
        categories: categories.iter().map(|c| CategoryName::new(*c).unwrap()).collect(),
        others: names(others),
    }
}

/// As it stands in the plan.
fn software(made: &Program, all: bool, screen: Screen) -> String {
    wrapped(&super::software::software(made, all, screen), screen)
}

fn planned(images: Vec<ImagePlan>) -> Program {
    let mut made = build(&input()).unwrap();
    made.bcm = Some(BcmPlan {
        head: name("head-01"),
        images,
        nodes: BTreeMap::new(),
        version: Some("1.32.9-1.1".parse().unwrap()),
        categories: BTreeMap::new(),
        learn_config: true,
    });
    made
}

#[test]
fn the_images_of_a_plan() {
    let made = planned(vec![
        image(
            "dgx-image",
            "dgx-image-k8s-1.32.9",
            NodeRole::Worker,
            "dgx030 dgx031 dgx032 dgx033",
            &["dgx-h100"],
            "",
        ),
        image(
            "shared-image",
            "shared-image-k8s-1.32.9-control-plane",
            NodeRole::ControlPlane,
            "runai-01 runai-02 runai-03",
            &[],
            "login-01 login-02",
        ),
        image(
            "b200-image",
            "b200-image-k8s-1.32.9",
            NodeRole::Worker,
            "b200-1 b200-2",
            &["b200-a", "b200-b"],
            "",
        ),
        image("new-image", "new-image", NodeRole::Worker, "dgx040", &[], ""),
    ]);
    insta::assert_snapshot!(on_terminals(|s| software(&made, false, s)));
}

#[test]
fn a_plan_that_asks_no_bcm_has_no_such_section() {
    let screen = Screen { width: Some(80), height: None, colour: false };
    let mut without = planned(vec![]);
    without.bcm = None;
    assert_eq!(software(&without, false, screen), "");
    let books = software(&planned(vec![]), false, Screen { width: None, ..screen });
    assert_eq!(
        books,
        "In BCM at the end: the version becomes 1.32.9-1.1, it reads the new kubeadm-config.\n\n"
    );
}

#[test]
fn long_lists_are_folded_and_shown_with_v() {
    let nodes: Vec<String> = (0..200).map(|n| format!("dgx{:03}", n * 2)).collect();
    let categories: Vec<String> = (0..9).map(|n| format!("rack-{n}")).collect();
    let categories: Vec<&str> = categories.iter().map(String::as_str).collect();
    let old = "a-very-long-name-of-an-image-that-somebody-has-made-for-the-pod";
    let new = format!("{old}-k8s-1.32.9");
    let made = planned(vec![image(old, &new, NodeRole::Worker, &nodes.join(" "), &categories, "")]);
    let screen = Screen { width: Some(80), height: None, colour: false };
    let text = software(&made, false, screen);
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("and 195 more;") && flat.contains("rack-2 and 6 more get it at the end"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let all = software(&made, true, Screen { width: None, ..screen });
    assert!(all.contains("392,394,396,398") && all.contains("rack-8 get it"), "{all}");
}
