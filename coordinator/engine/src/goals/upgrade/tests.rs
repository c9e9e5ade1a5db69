//! The plan for the recorded failing upgrade, and the reasons to refuse a plan.

mod next_run;

use super::*;
use crate::goals::PlanInput;
use crate::program::{Program, Severity, Waiver, differences};
use crate::testing::{input, name};
use podlift_model::op::Component;

type Change<'a> = &'a dyn Fn(&mut PlanInput);

fn evidence(plan: &Program, check: &str) -> Vec<String> {
    plan.findings.iter().filter(|f| f.check == check).map(|f| f.evidence.clone()).collect()
}

#[test]
fn the_bad_night_is_seen_the_evening_before() {
    let plan = build(&input()).unwrap();
    assert_eq!(plan.blockers().count(), 0, "{:?}", plan.findings);
    let seen: Vec<(&str, bool)> = plan.mends.prevented.iter().map(|p| (p.id.as_str(), p.site_rule)).collect();
    assert_eq!(seen, [("etcd-servers-lost", false), ("site-gate", true)]);
    assert!(
        plan.mends.prevented[0].what.starts_with(
            "kubeadm would empty --etcd-servers on runai-01, runai-02, runai-03 (now 3 endpoints)"
        )
    );
    let repaired =
        crate::kubeadm_config::repair(&plan.mends.kubeadm_config.cluster_configuration, &plan.mends.repairs)
            .unwrap();
    let good = crate::testing::config_text("good");
    let without = crate::kubeadm_config::ConfigRepair::RemoveGate {
        component: Component::KubeApiserver,
        gate: "MaxUnavailableStatefulSet".into(),
    };
    assert_eq!(repaired, crate::kubeadm_config::repair(&good, &[without]).unwrap());
}

#[test]
fn the_order_of_a_run() {
    let plan = build(&input()).unwrap();
    let phases: Vec<String> =
        plan.phases.iter().map(|p| format!("{} x{} of {}", p.name, p.parallel, p.lanes.len())).collect();
    assert_eq!(
        phases,
        [
            "backup x1 of 5",
            "root-cause x1 of 1",
            "pre-stage x7 of 7",
            "control-plane x1 of 3",
            "addons x1 of 1",
            "kubelets x1 of 3",
            "canary x1 of 1",
            "workers x1 of 3",
            "verify x7 of 7",
            "bcm x1 of 1",
            "after x1 of 1",
            "validate x1 of 1",
        ]
    );
    let steps: Vec<&str> =
        plan.steps().filter(|s| s.node == Some(name("runai-02"))).map(|s| s.id.as_str()).collect();
    let verbs: Vec<&str> = steps.iter().map(|s| s.rsplit('/').next().unwrap()).collect();
    assert_eq!(
        verbs,
        [
            "manifest-backup",
            "apt-source",
            "apt-update",
            "download",
            "image-pull",
            "etcd-ready",
            "guard-arm",
            "install-kubeadm",
            "flag-diff",
            "step-aside",
            "kubeadm-node",
            "verify-api",
            "step-back",
            "guard-disarm",
            "node-reachable",
            "cordon",
            "drain",
            "etcd-ready",
            "install-kubelet-kubectl",
            "kubelet-config",
            "step-aside",
            "kubelet-restart",
            "node-ready",
            "verify-api",
            "step-back",
            "devices-back",
            "uncordon",
            "image-release",
            "verify-node",
        ]
    );
    let numbers: Vec<u32> = plan.steps().map(|s| s.number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u32).collect::<Vec<_>>());
}

#[test]
fn the_same_facts_give_the_same_hash_and_changed_ones_say_which() {
    let before = build(&input()).unwrap();
    let mut later = input();
    later.now = "2025-10-20T15:45:29Z".parse().unwrap();
    later.inventory.nodes[0].facts.as_mut().unwrap().free_bytes -= 1000;
    assert_eq!(build(&later).unwrap().hash, before.hash);
    later.inventory.nodes[4].view.unschedulable = true;
    if let Ok(config) = later.kubeadm_config.as_mut() {
        config.cluster_configuration = crate::testing::config_text("good");
    }
    let now = build(&later).unwrap();
    assert_ne!(now.hash, before.hash);
    assert_eq!(differences(&before, &now), ["kubeadm-config"]);
}

#[test]
fn questions_that_are_wrong_get_no_plan() {
    let ask = |change: Change| {
        let mut i = input();
        change(&mut i);
        build(&i).map(|p| p.hash).unwrap_err().to_string()
    };
    let waiver =
        |check: &str, reason: &str| Waiver { check: check.into(), reason: reason.into(), by: "me".into() };
    let cases: [(Change, &str); 11] = [
        (&|i| i.to = "v1.33.1".parse().unwrap(), "upgrade to v1.32.x first"),
        (&|i| i.to = "v1.31.8".parse().unwrap(), "downgrade"),
        (&|i| i.to = "v1.31.9".parse().unwrap(), "nothing to do"),
        (&|i| i.nodes = vec![name("dgx099")], "node dgx099 is not in cluster runaicluster: it has dgx030"),
        (
            &|i| i.waivers = vec![waiver("etcd", "x")],
            "names no check that can be waived: expected one of flag-loss",
        ),
        (&|i| i.waivers = vec![waiver("flag-loss", " ")], "--waive flag-loss=REASON"),
        (&|i| i.waivers = vec![waiver("flag-loss", "REASON")], "the placeholder"),
        (&|i| i.waivers = vec![waiver("flag-loss/runai-9/profiling", "x")], "node runai-9 is not in cluster"),
        (&|i| i.waivers = vec![waiver("flag-loss/runai-01/etcd-servers", "x")], "can't be waived"),
        (&|i| i.waivers = vec![waiver("flag-loss/runai-01/profilin", "x")], "leave the waiver out"),
        (&|i| i.options.max_unavailable = 0, "expected at least 1"),
    ];
    for (change, want) in cases {
        let got = ask(change);
        assert!(got.contains(want), "{got}");
    }
}

#[test]
fn each_check_sees_its_problem_and_nothing_else() {
    let cases: [(Change, &str, &str); 15] = [
        (
            &|i| i.inventory.nodes[5].facts = None,
            "agents",
            "no agent of this control-plane node is connected",
        ),
        (&|i| i.inventory.nodes[5].view.ready = false, "nodes-ready", "node is not Ready"),
        (
            &|i| i.inventory.nodes[1].view.kubelet = "v1.28.1".parse().ok(),
            "version-skew",
            "more than three minors",
        ),
        (&|i| i.probes[0].ok = false, "api-servers", "vip is not ready"),
        (
            &|i| i.etcd.values_mut().for_each(|e| e.as_mut().unwrap().members[2].healthy = false),
            "etcd",
            "member runai-03",
        ),
        (
            &|i| {
                i.etcd
                    .values_mut()
                    .for_each(|e| e.as_mut().unwrap().alarms = vec!["runai-01: NOSPACE".into()])
            },
            "etcd",
            "alarm runai-01: NOSPACE",
        ),
        (
            &|i| drop(i.inventory.nodes[5].facts.as_mut().unwrap().manifests.pop()),
            "manifests",
            "kube-scheduler.yaml is missing",
        ),
        (
            &|i| drop(i.offers.insert(name("dgx031"), Ok(vec![]))),
            "packages",
            "kubeadm v1.32.9 is not in the repository; it has: none",
        ),
        (&|i| i.inventory.nodes[0].facts.as_mut().unwrap().free_bytes = 5 << 20, "disk", "5 MiB free"),
        (&|i| i.kubeadm_config = Err("not found".into()), "kubeadm-config", "can't be read: not found"),
        (&|i| i.inventory.nodes[0].view.cri_socket = false, "kubeadm-config", "cri-socket"),
        (
            &|i| {
                let m = &mut i.inventory.nodes[6].facts.as_mut().unwrap().manifests[0];
                m.flags.0.insert("etcd-servers".into(), vec!["https://10.0.0.9:2379".into()]);
            },
            "flag-loss",
            "control-plane nodes disagree on --etcd-servers",
        ),
        (&|i| i.addons = Err("forbidden".into()), "addons", "forbidden"),
        (
            &|i| i.bcm.as_mut().unwrap().minors = Ok(vec!["1.31".parse().unwrap(), "1.30".parse().unwrap()]),
            "bcm-version",
            " does not support v1.32, it lists v1.31, v1.30",
        ),
        (
            &|i| i.bcm.as_mut().unwrap().minors = Err("it exited 1: \"no licence\"".into()),
            "bcm-version",
            "not known: it exited 1: \"no licence\"",
        ),
    ];
    for (change, check, want) in cases {
        let mut i = input();
        change(&mut i);
        let plan = build(&i).unwrap();
        let seen = evidence(&plan, check);
        assert!(seen.iter().any(|e| e.contains(want)), "{check}: {seen:?}");
        assert!(plan.blockers().all(|f| f.check == check), "{check} is not alone: {:?}", plan.findings);
        assert!(plan.blockers().count() > 0, "{check} does not block");
    }
}

#[test]
fn notes_do_not_block() {
    let mut i = input();
    i.inventory.nodes[0].view.unschedulable = true;
    i.addons.as_mut().unwrap().kube_proxy = false;
    let plan = build(&i).unwrap();
    assert_eq!(plan.blockers().count(), 0);
    assert!(evidence(&plan, "cordons")[0].contains("stays so"));
    assert!(evidence(&plan, "addons")[0].contains("kube-proxy is absent"));
    assert_eq!(plan.goal.upgrade().unwrap().addons, [podlift_model::op::Addon::Coredns]);
}

#[test]
fn bcm_that_is_not_asked_or_has_another_version_does_not_block() {
    let mut i = input();
    i.bcm.as_mut().unwrap().recorded = Ok("1.30.2-1.1".parse().unwrap());
    let plan = build(&i).unwrap();
    assert_eq!(plan.blockers().count(), 0);
    assert_eq!(
        evidence(&plan, "bcm-version"),
        ["BCM's metadata says 1.30.2-1.1, and the cluster runs v1.31.9"]
    );
    i.bcm = None;
    let unasked = build(&i).unwrap();
    assert!(evidence(&unasked, "bcm-version")[0].contains("there is no [bcm]"));
    let as_recorded = build(&input()).unwrap();
    assert_eq!(plan.hash, as_recorded.hash, "what the metadata says decides nothing");
    assert_ne!(unasked.hash, plan.hash, "without BCM nobody writes its books");
}

#[test]
fn a_clock_that_is_off_is_told_and_decides_nothing() {
    let plain = build(&input()).unwrap();
    let mut i = input();
    i.clocks = [("dgx030", 1900), ("dgx031", -2400), ("dgx032", 3_605_000), ("dgx033", -310_000)]
        .into_iter()
        .map(|(n, ms)| (name(n), ms))
        .collect();
    let plan = build(&i).unwrap();
    assert_eq!((plan.blockers().count(), &plan.hash), (0, &plain.hash));
    let seen = evidence(&plan, "clock-skew");
    let begins = [
        "its clock is 2.4 s behind the coordinator's",
        "its clock is 1 h 00 m ahead of",
        "its clock is 5 m 10 s behind",
    ];
    assert!(seen.len() == 3 && seen.iter().zip(begins).all(|(s, b)| s.starts_with(b)), "{seen:#?}");
    assert!(
        plan.findings.iter().filter(|f| f.check == "clock-skew").all(|f| f.severity == Severity::Warning)
    );
}

#[test]
fn a_fatal_gate_is_prevented_as_a_fact_and_not_as_a_site_rule() {
    let mut i = input();
    let config = i.kubeadm_config.as_mut().unwrap();
    config.cluster_configuration = crate::testing::config_text("good")
        .replace("MaxUnavailableStatefulSet=true", "KMSv2=true,SidecarContainers=true");
    let plan = build(&i).unwrap();
    let seen: Vec<(&str, &str)> =
        plan.mends.prevented.iter().map(|p| (p.id.as_str(), p.what.as_str())).collect();
    assert_eq!(
        seen,
        [("gate-fatal", "kube-apiserver would die on v1.32.9: unrecognized feature gate: KMSv2")]
    );
}

#[test]
fn an_item_that_would_waive_the_losses_of_several_components_is_refused() {
    let loses = |components: &[Component]| {
        let mut i = input();
        let nodes = i.inventory.nodes.iter_mut().filter_map(|n| n.facts.as_mut());
        for m in nodes.flat_map(|f| &mut f.manifests).filter(|m| components.contains(&m.component)) {
            m.flags.0.insert("profiling".into(), vec!["false".into()]);
        }
        let check = "flag-loss/runai-01/profiling".into();
        i.waivers = vec![Waiver { check, reason: "meant".into(), by: "jane".into() }];
        build(&i).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(loses(&[Component::KubeApiserver]), Ok(()));
    let why = loses(&[Component::KubeApiserver, Component::KubeScheduler]).unwrap_err();
    assert!(why.contains("kube-apiserver and kube-scheduler would lose it on runai-01"), "{why}");
}

#[test]
fn a_worker_that_is_left_out_by_name_is_not_the_first_one() {
    let mut i = input();
    i.options.without = vec!["dgx030".into()];
    let plan = build(&i).unwrap();
    let lane =
        |phase: &str, n: usize| plan.phases.iter().find(|p| p.name == phase).unwrap().lanes[n].node.clone();
    assert_eq!(lane("canary", 0), Some(name("dgx031")));
    assert_eq!(lane("workers", 2), Some(name("dgx030")), "it is skipped at its place");
}

#[test]
fn an_open_run_is_the_first_finding() {
    let mut i = input();
    i.open_run = podlift_model::RunId::new("20261126-2200-ab12").ok();
    i.inventory.nodes[0].facts = None;
    let plan = build(&i).unwrap();
    assert_eq!(plan.findings[0].check, "run-open");
    assert!(plan.findings[0].evidence.starts_with("run 20261126-2200-ab12 is open"));
}

#[test]
fn the_first_workers_soak_only_if_that_is_configured() {
    let mut i = input();
    let soaks = |i: &PlanInput| build(i).unwrap().steps().filter(|s| s.kind.step().verb() == "soak").count();
    assert_eq!(soaks(&i), 0);
    (i.options.canary, i.options.canary_soak_seconds) = (2, 600);
    let plan = build(&i).unwrap();
    for phase in ["canary", "workers"] {
        let lanes = &plan.phases.iter().find(|p| p.name == phase).unwrap().lanes;
        assert_eq!(lanes.len(), 2);
        let last = |lane: &crate::program::Lane| lane.steps.last().unwrap().kind.step().verb();
        assert!(lanes.iter().all(|lane| last(lane) == "soak"), "{phase}: with work on it");
    }
    i.options.canary = 0;
    assert_eq!(soaks(&i), 0, "nobody goes first");
}
