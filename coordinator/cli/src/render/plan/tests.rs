//! Goldens of a plan with all parts, and of a plan of a large fleet.

use super::super::tests::on_screens;
use super::{options, plan};
use podlift_engine::doors::DrainOptions;
use podlift_engine::goals::{PlanInput, build};
use podlift_engine::program::{Attestation, LeftOut, Limit, Program, Waiver};
use podlift_engine::survey::PodView;
use podlift_engine::testing::survey::{budget, pod};
use podlift_engine::testing::{input, name};
use podlift_model::images::{ImageRole, NeededImage, Pullable};

fn attested(i: &mut PlanInput) {
    i.attestations = vec![Attestation {
        id: "maintenance-window".into(),
        by: "jane".into(),
        at: "2026-11-22T01:00:00Z".parse().unwrap(),
        note: "ticket OPS-4711".into(),
    }];
    i.options.required_attestations = vec!["rollback-reviewed".into()];
}

fn pods(i: &mut PlanInput) {
    let cluster = i.cluster_survey.as_mut().unwrap();
    let pods = cluster.pods.as_mut().unwrap();
    for node in ["dgx032", "dgx033"] {
        let pod = pod("runai", &format!("llm-{node}"), node, "PyTorchJob/llm");
        pods.push(PodView { gpus: 8, gang: Some("llm".into()), ..pod });
    }
    let viewer = pod("lab", "viewer-1", "dgx032", "ReplicaSet/viewer");
    pods.push(PodView { gpu_by: Some("runtime class nvidia".into()), ..viewer });
    pods.push(PodView { owner: None, ..pod("lab", "notebook", "dgx033", "") });
    pods.push(PodView { empty_dirs: vec!["cache".into()], ..pod("a", "web-1", "dgx033", "ReplicaSet/web") });
    cluster.budgets.as_mut().unwrap().push(budget("a", "web", 0, 1, 1, 1));
}

/// Input with something for every part of the screen.
fn eventful() -> Program {
    let mut i = input();
    attested(&mut i);
    pods(&mut i);
    for survey in i.surveys.values_mut() {
        survey.as_mut().unwrap().automation.unattended_upgrades = true;
    }
    i.waivers =
        vec![Waiver { check: "budgets".into(), reason: "one web pod may go".into(), by: "eve".into() }];
    let survey = i.surveys.get_mut(&name("dgx031")).unwrap().as_mut().unwrap();
    survey.kubelet.as_mut().unwrap().config["maxPods"] = 500.into();
    let image = |image: &str, present| NeededImage {
        image: format!("registry.k8s.io/{image}"),
        role: ImageRole::of(image),
        present,
        pinned: false,
        pull: (!present).then_some(Pullable::Yes),
    };
    survey.images.as_mut().unwrap().needed =
        vec![image("pause:3.10", true), image("kube-proxy:v1.32.9", false)];
    for n in i.inventory.nodes.iter_mut().take(2) {
        n.facts = None;
    }
    build(&i).unwrap()
}

#[test]
fn a_plan_with_a_word_of_every_kind() {
    let made = eventful();
    insta::assert_snapshot!(on_screens(|s| plan(&made, false, s)).replace(made.hash.short(), "HASH"));
}

#[test]
fn options_and_nodes_that_are_left_out_are_shown() {
    let mut i = input();
    i.options.max_failed = Some(Limit::Percent(3));
    (i.options.fetch_parallel, i.options.step_aside, i.options.images) = (16, false, false);
    i.options.drain = DrainOptions {
        grace_period_seconds: Some(30),
        skip_wait_for_delete_seconds: 60,
        disable_eviction: true,
        force: true,
    };
    let mut made = build(&i).unwrap();
    let out =
        |node: &str, why: &str| LeftOut { node: name(node), why: why.into(), unready: false, until: None };
    made.left_out = vec![
        out("dgx030", "--without rack=r7"),
        out("dgx031", "--without rack=r7"),
        out("dgx032", "not Ready"),
    ];
    let screen = crate::out::Screen { width: Some(100), height: None, colour: false };
    let (left_out, options) = (options::left_out(&made, false), options::options(&made));
    let text = plan(&made, false, screen);
    assert!(text.contains(&left_out) && text.contains("Options:"), "{text}");
    insta::assert_snapshot!(format!("{left_out}{options}"));
    let usual = build(&input()).unwrap();
    assert_eq!((options::left_out(&usual, false), options::options(&usual)), Default::default());
}

#[test]
fn a_plan_of_a_thousand_nodes_in_trouble_fits_a_screen() {
    let mut i = input();
    let like = i.inventory.get(&name("dgx030")).unwrap().clone();
    for n in 1000..2000 {
        let node = name(&format!("gpu{n}"));
        let mut entry = like.clone();
        (entry.name, entry.view.name, entry.view.ready) = (node.clone(), node.clone(), n % 10 > 0);
        entry.view.ready_message = "Kubelet stopped posting node status.".into();
        i.inventory.nodes.push(entry);
        let bare = PodView { owner: None, ..pod("a", &format!("notebook-{n}"), node.as_str(), "") };
        i.cluster_survey.as_mut().unwrap().pods.as_mut().unwrap().push(bare);
    }
    i.inventory.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    let made = build(&i).unwrap();
    let screen = crate::out::Screen { width: Some(120), height: None, colour: false };
    let text = plan(&made, false, screen);
    let lines = text.lines().count();
    assert!(lines < 150, "{lines} lines: {text}");
    for part in
        ["79 more nodes not Ready", "more findings of this kind; -v shows them", "more workers at v1.31.9"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(plan(&made, true, screen).lines().count() > 1000, "-v shows all");
}

#[test]
fn a_large_fleet_shows_what_somebody_has_to_look_at() {
    let mut i = input();
    let like = i.inventory.get(&name("dgx030")).unwrap().clone();
    for n in 100..160 {
        let node = name(&format!("dgx{n}"));
        let mut entry = like.clone();
        (entry.name, entry.view.name) = (node.clone(), node.clone());
        entry.view.ready = n != 107;
        i.inventory.nodes.push(entry);
        let pod = pod("a", &format!("train-{n}"), node.as_str(), "StatefulSet/train");
        i.cluster_survey.as_mut().unwrap().pods.as_mut().unwrap().push(PodView { gpus: n - 99, ..pod });
    }
    i.inventory.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    let made = build(&i).unwrap();
    let text = plan(&made, false, crate::out::Screen { width: None, height: None, colour: false });
    for part in ["dgx107", "runai-01", "63 more workers at v1.31.9", "more nodes with less to lose"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // The node that loses most stands first, and one that loses little is not there.
    assert!(text.contains("\ndgx159 ") && !text.contains("\ndgx101 "), "{text}");
    let all = plan(&made, true, crate::out::Screen { width: None, height: None, colour: false });
    assert!(all.contains("\ndgx101 ") && !all.contains("-v shows"), "{all}");
}
