//! Some workers are always down: they are rows of a plan and no blockers, they may be left out by name, selector or state, and a plan rests
//! on none of that.

use super::{PlanInput, build};
use crate::doors::Owner;
use crate::program::{Program, Severity, changed_parts};
use crate::testing::{input, name};
use podlift_model::{Epoch, RunId};

fn out(plan: &Program) -> Vec<(&str, &str, bool)> {
    plan.left_out.iter().map(|out| (out.node.as_str(), out.why.as_str(), out.unready)).collect()
}

fn told(plan: &Program, check: &str) -> Vec<(Severity, String)> {
    plan.findings.iter().filter(|f| f.check == check).map(|f| (f.severity, f.evidence.clone())).collect()
}

/// dgx030 is not Ready, dgx031 has no agent, dgx032 is cordoned.
fn troubled(i: &mut PlanInput) {
    let node = |i: &mut PlanInput, at: usize, is: &str| assert_eq!(i.inventory.nodes[at].name, name(is));
    node(i, 0, "dgx030");
    let nodes = &mut i.inventory.nodes;
    (nodes[0].view.ready, nodes[0].view.ready_message) =
        (false, "kubelet stopped posting node status".into());
    nodes[1].facts = None;
    i.surveys.remove(&name("dgx031"));
    i.offers.insert(name("dgx031"), Err("the agent is gone".into()));
    i.inventory.nodes[2].view.unschedulable = true;
}

#[test]
fn workers_that_are_down_are_rows_and_no_blockers() {
    let mut i = input();
    troubled(&mut i);
    let plan = build(&i).unwrap();
    assert_eq!(plan.blockers().count(), 0, "{:#?}", plan.findings);
    assert_eq!(told(&plan, "nodes-ready")[0].0, Severity::Warning);
    assert!(told(&plan, "agents")[0].1.contains("the run defers it"));
    assert_eq!(out(&plan), []);
    // Each lane of a worker first asks for its node, and lets others pass while it is away.
    for phase in ["pre-stage", "canary", "workers"] {
        let phase = plan.phases.iter().find(|p| p.name == phase).unwrap();
        let lanes =
            phase.lanes.iter().filter(|l| l.node.as_ref().is_some_and(|n| n.as_str().starts_with("dgx")));
        assert!(
            lanes.clone().count() > 0 && lanes.clone().all(|l| l.steps[0].kind.step().yields()),
            "{}",
            phase.name
        );
    }
}

#[test]
fn the_plan_foretells_what_max_unavailable_has_to_be() {
    let mut i = input();
    troubled(&mut i);
    let found = told(&build(&i).unwrap(), "max-unavailable");
    assert_eq!(found[0].0, Severity::Warning);
    assert!(
        found[0].1.starts_with("2 workers are unavailable now (dgx030, dgx032), and 1 may be"),
        "{}",
        found[0].1
    );
    assert!(found[0].1.contains("--max-unavailable 3 leaves room for 1 at once"), "{}", found[0].1);
    i.options.max_unavailable = 4;
    let found = told(&build(&i).unwrap(), "max-unavailable");
    assert_eq!(found[0].0, Severity::Note);
    assert!(found[0].1.ends_with("the run works on 2 at once instead of 4"), "{}", found[0].1);
    i.options.skip_unready = true;
    assert_eq!(told(&build(&i).unwrap(), "max-unavailable"), []);
}

#[test]
fn skip_unready_leaves_out_what_can_not_be_worked_on_and_nothing_else() {
    let mut i = input();
    troubled(&mut i);
    i.options.skip_unready = true;
    let plan = build(&i).unwrap();
    let names: Vec<&str> = plan.left_out.iter().map(|out| out.node.as_str()).collect();
    assert_eq!(names, ["dgx030", "dgx031", "dgx032"]);
    assert!(plan.left_out.iter().all(|out| out.unready && out.why.ends_with("(--skip-unready)")));
    let others: Vec<&str> = plan
        .findings
        .iter()
        .map(|f| f.check.as_str())
        .filter(|c| !matches!(*c, "left-out" | "version-skew"))
        .collect();
    assert_eq!(others, [""; 0], "what is left out has no other finding");
    // A cordon that an ended run has left is taken over, and is no trouble.
    let run = RunId::new("r0").unwrap();
    let epoch = Epoch { number: 1, instance: podlift_model::InstanceId::new("head-01").unwrap() };
    i.inventory.nodes[2].view.owner = Some(Owner { run, epoch, over: true });
    assert_eq!(build(&i).unwrap().left_out.len(), 2);
    // A control-plane node is never left out by its state.
    i.inventory.nodes[5].view.ready = false;
    let plan = build(&i).unwrap();
    assert_eq!(plan.left_out.len(), 2);
    assert!(
        plan.blockers().any(|f| f.check == "nodes-ready" && f.evidence.contains("ControlPlaneNodesReady"))
    );
}

#[test]
fn nodes_and_selectors_leave_workers_out_and_what_they_do_not_mean_is_refused() {
    let without = |text: &[&str]| {
        let mut i = input();
        i.options.without = text.iter().map(ToString::to_string).collect();
        build(&i)
    };
    let plan = without(&["dgx033", "rack=r1"]).unwrap();
    assert_eq!(
        out(&plan),
        [
            ("dgx030", "by the operator: --without rack=r1", false),
            ("dgx031", "by the operator: --without rack=r1", false),
            ("dgx033", "by the operator: --without dgx033", false),
        ]
    );
    assert_ne!(plan.hash, build(&input()).unwrap().hash);
    let wrong = [
        ("dgx099", "names no worker and selects none"),
        ("rack=r9", "names no worker and selects none"),
        ("runai-01", "it is control plane"),
        ("rack in (", "is no node of the cluster and no selector"),
    ];
    for (text, want) in wrong {
        let error = without(&[text]).unwrap_err().to_string();
        assert!(error.contains(want), "{text}: {error}");
    }
}

type Change = fn(&mut PlanInput);

#[test]
fn a_plan_rests_on_what_it_does_and_not_on_the_weather() {
    let before = build(&input()).unwrap();
    let weather: [(&str, Change); 11] = [
        ("a cordon", |i| i.inventory.nodes[0].view.unschedulable = true),
        ("a cordon of the control plane", |i| i.inventory.nodes[5].view.unschedulable = true),
        ("readiness", |i| i.inventory.nodes[1].view.ready = false),
        ("the agent of a worker", |i| i.inventory.nodes[2].facts = None),
        ("the survey of a node is late", |i| {
            drop(i.surveys.insert(name("dgx030"), Err("took longer than 60 s".into())));
        }),
        ("the survey of the cluster is late", |i| i.cluster_survey = Err("took longer than 60 s".into())),
        ("parts of the survey are late", |i| {
            let seen = i.cluster_survey.as_mut().unwrap();
            seen.kubelet_config = Err("timeout".into());
            seen.core_dns = Err("timeout".into());
            seen.pods = Err("timeout".into());
        }),
        ("the text of an error", |i| {
            drop(i.offers.insert(name("dgx030"), Err("connection reset by peer".into())));
        }),
        ("BCM's metadata", |i| i.bcm.as_mut().unwrap().recorded = Err("no licence".into())),
        ("BCM's tasks", |i| i.bcm.as_mut().unwrap().provisioning = Err("no licence".into())),
        ("the version of kube-proxy", |i| i.addons.as_mut().unwrap().kube_proxy_version = None),
    ];
    for (what, change) in weather {
        let mut i = input();
        change(&mut i);
        let now = build(&i).unwrap();
        assert_eq!(now.hash, before.hash, "{what}");
        assert_eq!(changed_parts(&before.fingerprints, &now.fingerprints), [""; 0], "{what}");
    }
    let matters: [(&str, Change); 8] = [
        ("a kubelet's version", |i| i.inventory.nodes[0].view.kubelet = "v1.30.1".parse().ok()),
        ("a manifest", |i| {
            let facts = i.inventory.nodes[5].facts.as_mut().unwrap();
            facts.manifests[0].sha256 = podlift_model::Digest::of("other");
        }),
        ("a package of the control plane", |i| {
            let facts = i.inventory.nodes[5].facts.as_mut().unwrap();
            facts.packages.get_mut("kubeadm").unwrap().held = false;
        }),
        ("kubeadm-config", |i| {
            i.kubeadm_config.as_mut().unwrap().cluster_configuration = crate::testing::config_text("good");
        }),
        ("an addon", |i| i.addons.as_mut().unwrap().kube_proxy = false),
        ("an option", |i| i.options.max_unavailable = 7),
        ("a node that is new", |i| {
            let view = crate::testing::view("dgx044", false);
            i.inventory.nodes.push(crate::Inventory::join(vec![view], vec![]).nodes.remove(0));
        }),
        ("the revision of a package", |i| {
            for offers in i.offers.values_mut() {
                offers.as_mut().unwrap().iter_mut().for_each(|o| o.version.revision = "2.1".into());
            }
        }),
    ];
    for (what, change) in matters {
        let mut i = input();
        change(&mut i);
        assert_ne!(build(&i).unwrap().hash, before.hash, "{what}");
    }
}

#[test]
fn a_configuration_that_both_plans_have_seen_is_compared() {
    let before = build(&input()).unwrap();
    let mut i = input();
    i.cluster_survey.as_mut().unwrap().kubelet_config = Ok("maxPods: 1\n".into());
    let now = build(&i).unwrap();
    assert_eq!(changed_parts(&before.fingerprints, &now.fingerprints), ["kubelet-config"]);
}

#[test]
fn a_machine_that_is_gone_leaves_a_plan_for_the_others() {
    let mut i = input();
    // Its Node object was deleted; its member is still listed.
    i.inventory.nodes.retain(|n| n.name != name("runai-03"));
    i.etcd.remove(&name("runai-03"));
    i.surveys.remove(&name("runai-03"));
    i.offers.remove(&name("runai-03"));
    let sick = |i: &mut PlanInput| {
        for state in i.etcd.values_mut().flatten() {
            (state.members[2].healthy, state.members[2].error) = (false, Some("timeout".into()));
        }
    };
    let mut listed = i.clone();
    sick(&mut listed);
    let plan = build(&listed).unwrap();
    let told = told(&plan, "etcd");
    assert!(
        told.iter().any(
            |(s, e)| *s == Severity::Warning && e.contains("member runai-03 is of no control-plane node")
        )
    );
    assert!(plan.blockers().count() > 0, "the member has to go first");
    for state in i.etcd.values_mut().flatten() {
        state.members.pop();
    }
    let plan = build(&i).unwrap();
    assert_eq!(plan.blockers().count(), 0, "{:#?}", plan.findings);
    assert!(plan.findings.iter().any(|f| f.evidence.starts_with("etcd has two members")));
    assert!(!plan.steps().any(|s| s.kind.step().verb() == "step-aside"), "two API servers are too few");
}

#[test]
fn fetches_are_limited_and_their_number_may_not_be_none() {
    let mut i = input();
    let parallel =
        |i: &PlanInput| build(i).unwrap().phases.iter().find(|p| p.name == "pre-stage").unwrap().parallel;
    assert_eq!(parallel(&i), 7);
    i.options.fetch_parallel = 3;
    assert_eq!(parallel(&i), 3);
    i.options.fetch_parallel = 0;
    assert!(build(&i).unwrap_err().to_string().starts_with("--max-fetch is 0"));
}

#[test]
fn a_worker_that_answers_no_question_is_left_out_too_and_its_blocker_names_the_options() {
    let mut i = input();
    let why = "its agent did not answer within 30 s";
    i.offers.insert(name("dgx032"), Err(why.into()));
    i.surveys.insert(name("dgx032"), Err(why.into()));
    let plan = build(&i).unwrap();
    let blocker = plan.blockers().next().unwrap();
    assert!(blocker.evidence.contains("--without dgx032, or --skip-unready"), "{blocker:?}");
    assert!(blocker.next.ends_with("--without dgx032"), "{blocker:?}");
    i.options.skip_unready = true;
    let plan = build(&i).unwrap();
    assert_eq!(plan.blockers().count(), 0, "{:#?}", plan.findings);
    let row = format!("it could not be looked at: {why} (--skip-unready)");
    assert_eq!(out(&plan), [("dgx032", row.as_str(), true)]);
    // A control-plane node is never left out.
    i.offers.insert(name("runai-02"), Err(why.into()));
    i.surveys.insert(name("runai-02"), Err(why.into()));
    assert!(build(&i).unwrap().blockers().any(|f| f.node == Some(name("runai-02"))));
}
