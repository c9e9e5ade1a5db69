//! Each check finds its problem and does not find the near miss. A healthy cluster has no findings.

mod bcm_cases;
mod cases;
mod drain_cases;
mod node_cases;

use super::*;
use crate::goals::upgrade::build;
use crate::program::{Program, Waiver};
use crate::survey::PodView;
use crate::testing::survey::{budget, pod};
use crate::testing::{input, name};
use cases::{CASES, cluster, dgx, extra_pod, kubelet_gate, web};

/// All findings but notes.
fn told(i: &PlanInput) -> Vec<Finding> {
    build(i).unwrap().findings.into_iter().filter(|f| f.severity != Severity::Note).collect()
}

#[test]
fn each_problem_is_seen_alone_and_what_is_nearly_it_is_not() {
    for (check, problem, want, near_miss) in CASES.iter().chain(node_cases::CASES).chain(bcm_cases::CASES) {
        let mut i = input();
        problem(&mut i);
        let found = told(&i);
        assert!(
            found.iter().any(|f| f.check == *check && f.evidence.contains(want)),
            "{check} {want}: {found:#?}"
        );
        assert!(found.iter().all(|f| f.check == *check), "{check} is not alone: {found:#?}");
        assert!(found.iter().all(|f| !f.next.is_empty()), "{check} has no next command");
        let mut near = input();
        near_miss(&mut near);
        assert_eq!(told(&near), [], "near {check} {want}");
    }
}

#[test]
fn a_healthy_cluster_gets_no_word() {
    let plan = build(&input()).unwrap();
    assert_eq!(plan.findings, [], "{:#?}", plan.findings);
}

fn with_waiver(i: &mut PlanInput, check: &str) -> Program {
    i.waivers = vec![Waiver { check: check.into(), reason: "agreed".into(), by: "jane".into() }];
    build(i).unwrap()
}

#[test]
fn a_budget_that_is_waived_is_said_and_does_not_block() {
    let mut i = input();
    extra_pod(&mut i, web(1));
    cluster(&mut i).budgets = Ok(vec![budget("a", "web", 0, 2, 2, 2)]);
    assert_eq!(build(&i).unwrap().blockers().count(), 1);
    let plan = with_waiver(&mut i, "budgets");
    assert_eq!(plan.blockers().count(), 0);
    assert!(plan.findings[0].evidence.starts_with("waived by jane (agreed): a/web-1"), "{:?}", plan.findings);
}

#[test]
fn what_is_merely_alpha_or_on_its_way_out_is_a_note() {
    let note = |gate: &str| {
        let mut i = input();
        kubelet_gate(&mut i, gate);
        let found = build(&i).unwrap().findings;
        assert!(found.len() == 1 && found[0].severity == Severity::Note, "{gate}: {found:?}");
        found[0].evidence.clone()
    };
    assert!(note("MaxUnavailableStatefulSet=true").contains("alpha on v1.32.9"));
    assert!(note("MaxUnavailableStatefulSet=true").ends_with("by this site's rule it should go"));
    assert!(
        note("MemoryManager=true").contains("starts and says: Setting GA feature gate MemoryManager=true")
    );
}

#[test]
fn a_gate_that_would_kill_blocks_only_where_the_upgrade_leaves_it() {
    let mut i = input();
    for n in &mut i.inventory.nodes {
        for m in n.facts.iter_mut().flat_map(|f| &mut f.manifests) {
            m.flags.0.insert("feature-gates".into(), vec!["KMSv2=true".into()]);
        }
    }
    let found = told(&i);
    assert!(found.iter().all(|f| f.check == "gates" && f.severity == Severity::Warning), "{found:#?}");
    assert_eq!(found.len(), 3, "one a component, with all its nodes");
    assert!(found[0].evidence.contains("on runai-01, runai-02, runai-03") && found[0].node.is_none());

    let mut i = input();
    dgx(&mut i).kubelet.as_mut().unwrap().config["featureGates"] = serde_json::json!({"KMSv2": true});
    assert_eq!(told(&i)[0].severity, Severity::Warning, "the ConfigMap has it not, and is what stays");
    let text = format!("{}featureGates:\n  KMSv2: true\n", crate::testing::survey::KUBELET_CONFIG);
    cluster(&mut i).kubelet_config = Ok(text);
    assert!(build(&i).unwrap().blockers().any(|f| f.check == "gates" && f.node == Some(name("dgx030"))));
}

#[test]
fn what_the_site_demands_blocks_and_is_marked_as_the_sites_rule() {
    let mut i = input();
    i.attestations.clear();
    i.options.required_attestations = vec!["maintenance-window".into()];
    let found = build(&i).unwrap().findings;
    let shown: Vec<_> = found.iter().map(|f| (f.severity, f.site_rule, f.next.as_str())).collect();
    assert_eq!(
        shown,
        [
            (Severity::Blocker, true, "podlift attest maintenance-window"),
            (Severity::Warning, false, "podlift attest application-backups"),
            (Severity::Warning, false, "podlift attest rollback-reviewed"),
        ]
    );
}

#[test]
fn an_agent_of_a_node_that_is_left_out_is_not_missed_but_of_the_control_plane_it_is() {
    let mut i = input();
    i.nodes = ["dgx030", "runai-01", "runai-02", "runai-03"].map(name).into();
    i.inventory.nodes[1].facts = None;
    assert_eq!(build(&i).unwrap().blockers().count(), 0);
    i.inventory.nodes[5].facts = None;
    let plan = build(&i).unwrap();
    assert_eq!(plan.blockers().map(|f| f.node.clone()).collect::<Vec<_>>(), [Some(name("runai-02"))]);
}

#[test]
fn half_of_the_nodes_unreachable_is_told_with_what_it_means() {
    let mut i = input();
    for n in &mut i.inventory.nodes[..4] {
        n.facts = None;
    }
    let plan = build(&i).unwrap();
    let note = plan.findings.iter().find(|f| f.severity == Severity::Note && f.check == "agents").unwrap();
    assert!(
        note.evidence.starts_with("4 of 7 nodes have no agent: dgx030, dgx031, dgx032, dgx033."),
        "{}",
        note.evidence
    );
    assert!(note.evidence.contains("allows for three minors"));
}

#[test]
fn what_the_work_on_a_node_takes_with_it() {
    let mut i = input();
    let member = |node: &str| PodView {
        gang: Some("llm".into()),
        gpus: 8,
        ..pod("runai", &format!("llm-{node}"), node, "PyTorchJob/llm")
    };
    extra_pod(&mut i, member("dgx032"));
    extra_pod(&mut i, member("dgx033"));
    extra_pod(&mut i, PodView { empty_dirs: vec!["cache".into()], ..web(1) });
    extra_pod(&mut i, PodView { daemon_set: true, ..web(2) });
    extra_pod(&mut i, PodView { gang: Some("alone".into()), ..web(3) });
    let plan = build(&i).unwrap();
    let blast = &plan.goal.upgrade().unwrap().blast[&name("dgx032")];
    assert_eq!(blast.evicted, ["runai/llm-dgx032", "a/web-1", "a/web-3"]);
    assert_eq!(
        (blast.gpus, blast.workloads["runai/PyTorchJob/llm"], blast.workloads["a/ReplicaSet/web"]),
        (8, 1, 2)
    );
    assert_eq!(blast.gangs, [crate::program::Gang { name: "runai/llm".into(), here: 1, elsewhere: 1 }]);
    assert_eq!(blast.empty_dirs, ["a/web-1"]);
    assert!(!plan.goal.upgrade().unwrap().blast.contains_key(&name("runai-01")), "static pods stay");
    i.nodes = vec![name("dgx033")];
    assert_eq!(build(&i).unwrap().goal.upgrade().unwrap().blast.len(), 1, "of the chosen nodes only");
}

#[test]
fn an_addon_that_is_absent_is_left_out_by_kubeadm_too() {
    let mut i = input();
    assert_eq!(build(&i).unwrap().goal.upgrade().unwrap().skip_phases, Vec::<String>::new());
    i.addons.as_mut().unwrap().kube_proxy = false;
    assert_eq!(build(&i).unwrap().goal.upgrade().unwrap().skip_phases, ["addon/kube-proxy"]);
}

/// The whole way of Run:ai and Kubernetes in turn, where the target leaves Run:ai's range.
#[test]
fn a_target_that_run_ai_does_not_support_explains_the_order() {
    use crate::goals::upgrade::checks::runai;
    let evidence = |tag: &str, to: &str| {
        let mut i = input();
        let operator = pod("runai", "runai-operator-6d5f", "runai-01", "ReplicaSet/runai-operator");
        let image = Some(format!("registry/runai/operator:{tag}"));
        extra_pod(&mut i, PodView { image, ..operator });
        i.to = to.parse().unwrap();
        let (cause, bcm) = (Default::default(), Default::default());
        let view = View {
            input: &i,
            from: "v1.32.9".parse().unwrap(),
            cause: &cause,
            losses: &[],
            left_out: &[],
            bcm: &bcm,
        };
        runai::check(&view).into_iter().map(|f| (f.severity, f.evidence)).next()
    };
    let (severity, text) = evidence("2.22.47", "v1.34.1").unwrap();
    assert_eq!(severity, Severity::Blocker);
    let want = "Run:ai 2.22 supports Kubernetes up to v1.33, and the target is v1.34: upgrade Kubernetes to v1.33 at most, then Run:ai to 2.23 or later";
    assert!(text.starts_with(want), "{text}");
    assert_eq!(evidence("2.22.47", "v1.33.5"), None);
    let (severity, text) = evidence("v3.0.20", "v1.34.1").unwrap();
    assert!(severity == Severity::Note && text.contains("3.0"), "{text}");
    let (severity, text) = evidence("latest", "v1.34.1").unwrap();
    assert!(severity == Severity::Note && text.contains("its version is not known"), "{text}");
}
