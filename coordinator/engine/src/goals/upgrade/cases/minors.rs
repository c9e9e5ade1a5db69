//! Features that a minor has removed, and patch releases of a minor whose kubeadm has no phases of apply.

use super::{api_server, between, blockers, case, cluster, found, planned};
use crate::doors::{Act, Reply};
use crate::goals::PlanInput;
use crate::kubeadm_config::ConfigRepair;
use crate::machine::{Event, RunState, apply};
use crate::program::{Severity, Waiver};
use crate::steps::Cx;
use crate::survey::CoreDnsView;
use crate::testing::{input, name};
use podlift_model::op::{Component, FlagLoss, Preflight, SkipPhase};
use podlift_model::{FlagSet, HostOp, RunId};

fn cloud(from: &str, to: &str) -> PlanInput {
    let manifest = case!("07-cloud-provider-external-on-1.33/live-kube-apiserver.yaml");
    let mut i = cluster(case!("07-cloud-provider-external-on-1.33/kubeadm-config.yaml"), manifest, to);
    between(&mut i, from, to);
    i
}

#[test]
fn a_flag_that_the_target_has_no_more_blocks_where_it_stays_and_is_not_put_back_where_it_goes() {
    let plan = planned(&cloud("v1.32.9", "v1.33.5"));
    let [(check, text)] = blockers(&plan)[..] else { panic!("{:?}", plan.findings) };
    assert!(
        check == "removed-flags" && text.contains("kube-apiserver: --cloud-provider is no more since v1.33"),
        "{text}"
    );
    assert_eq!(blockers(&planned(&cloud("v1.31.9", "v1.32.9"))), []);

    let mut i = cloud("v1.32.9", "v1.33.5");
    let text = &mut i.kubeadm_config.as_mut().unwrap().cluster_configuration;
    *text = text.replacen("- {name: cloud-provider, value: external}", "- {name: v, value: '2'}", 1);
    let plan = planned(&i);
    assert_eq!(blockers(&plan), []);
    assert!(
        plan.goal.upgrade().unwrap().losses.iter().all(|l| l.name != "cloud-provider"),
        "{:?}",
        plan.goal.upgrade().unwrap().losses
    );
    let told = found(&plan, "removed-flags");
    assert!(
        matches!(told[..], [(Severity::Note, text)] if text.contains("goes with the upgrade")),
        "{told:?}"
    );
}

#[test]
fn flags_of_the_kubelet_are_looked_for_with_the_file_that_they_come_from() {
    let with = |flag: &str, origin: &str, from: &str, to: &str| {
        let mut i = cloud("v1.32.9", "v1.33.5");
        i.kubeadm_config.as_mut().unwrap().cluster_configuration =
            crate::testing::config_of(case!("03-service-account-issuer-order/kubeadm-config.yaml"));
        api_server(&mut i).for_each(|m| m.flags = FlagSet::default());
        between(&mut i, from, to);
        let kubelet = i.surveys.get_mut(&name("dgx031")).unwrap().as_mut().unwrap().kubelet.as_mut().unwrap();
        kubelet.flags = FlagSet::parse([format!("--{flag}=x").as_str()]);
        kubelet.origins.insert(flag.into(), origin.into());
        found(&planned(&i), "removed-flags").into_iter().map(|(s, t)| (s, t.to_string())).collect::<Vec<_>>()
    };
    let drop_in = "/etc/systemd/system/kubelet.service.d/10-site.conf";
    let found = with("register-schedulable", drop_in, "v1.33.5", "v1.34.1");
    assert!(matches!(&found[..], [(Severity::Blocker, t)] if t.contains(drop_in)), "{found:?}");
    assert_eq!(with("register-schedulable", drop_in, "v1.32.9", "v1.33.5"), []);
    let (pause, own) = ("pod-infra-container-image", "/var/lib/kubelet/kubeadm-flags.env");
    let found = with(pause, own, "v1.34.1", "v1.35.1");
    assert!(
        matches!(&found[..], [(Severity::Warning, t)] if t.contains("kubeadm takes it out")),
        "{found:?}"
    );
    assert!(matches!(
        &with(pause, "/etc/default/kubelet", "v1.34.1", "v1.35.1")[..],
        [(Severity::Blocker, _)]
    ));
    assert!(matches!(&with(pause, own, "v1.35.1", "v1.36.1")[..], [(Severity::Blocker, _)]));
}

fn ops(i: &PlanInput, verb: &str) -> Vec<HostOp> {
    let event = Event::RunStarted { plan: Box::new(planned(i)), by: "me".into() };
    let state: RunState = apply(None, &RunId::new("r1").unwrap(), i.now, &event).unwrap();
    let of = |s: &&crate::program::StepSpec| s.kind.step().verb() == verb && !s.id.as_str().contains("dgx");
    let steps = state.plan.steps().filter(of);
    let acts = steps.filter_map(|s| {
        let cx = Cx { state: &state, step: s, ahead: 0, acted: false };
        match s.kind.step().act(&cx, &Reply::All(vec![]))? {
            Act::Node(_, op) => Some(op),
            _ => None,
        }
    });
    acts.collect()
}

#[test]
fn a_patch_release_of_1_31_runs_kubeadm_without_phases() {
    let mut i = input();
    between(&mut i, "v1.31.5", "v1.31.9");
    i.addons.as_mut().unwrap().kube_proxy = false;
    let plan = planned(&i);
    assert_eq!(blockers(&plan), []);
    let kinds: Vec<String> = plan.steps().map(|s| s.kind.step().verb()).collect();
    let has = |verb: &str| kinds.iter().any(|k| k == verb);
    assert!(!has("addons") && !has("kubelet-config"));
    assert_eq!(plan.goal.upgrade().unwrap().skip_phases, Vec::<String>::new());
    assert!(found(&plan, "addons").iter().any(|(_, t)| t.contains("no --skip-phases for upgrade apply")));
    let to = plan.to();
    assert_eq!(
        ops(&i, "kubeadm-apply"),
        [HostOp::KubeadmApply { to, skip: vec![], ignore: vec![], whole: false }]
    );
    assert_eq!(ops(&i, "kubeadm-node"), vec![HostOp::KubeadmNode { skip: vec![], whole: false }; 2]);

    let usual = planned(&input());
    let kinds: Vec<String> = usual.steps().map(|s| s.kind.step().verb()).collect();
    let has = |verb: &str| kinds.iter().any(|k| k == verb);
    assert!(has("addons") && has("kubelet-config"));
    let skip = vec![SkipPhase::Addon, SkipPhase::KubeletConfig];
    assert_eq!(ops(&input(), "kubeadm-node"), vec![HostOp::KubeadmNode { skip, whole: false }; 2]);
}

fn waived(i: &mut PlanInput, check: &str) {
    i.waivers.push(Waiver { check: check.into(), reason: "agreed".into(), by: "jane".into() });
}

#[test]
fn a_coredns_that_can_not_migrate_is_waived_by_name_and_kubeadm_is_told_so() {
    let mut docs = case!("09-coredns-cannot-migrate/coredns.yaml").split("---");
    let mut next = || -> serde_json::Value { serde_saphyr::from_str(docs.next().unwrap()).unwrap() };
    let (deployment, map) = (next(), next());
    let image =
        deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_string();
    let corefile = map["data"]["Corefile"].as_str().unwrap().to_string();
    let mut i = input();
    i.cluster_survey.as_mut().unwrap().core_dns = Ok(Some(CoreDnsView { image, corefile }));
    let plan = planned(&i);
    let texts: Vec<&str> = blockers(&plan).into_iter().map(|(_, t)| t).collect();
    let ignored = "--ignore-preflight-errors=CoreDNSUnsupportedPlugins,CoreDNSMigration";
    assert!(texts.len() == 2 && texts.iter().all(|t| t.contains(ignored)), "{texts:?}");
    assert!(
        texts[0].contains("its tag v1.11.3-site2") || texts[1].contains("its tag v1.11.3-site2"),
        "{texts:?}"
    );
    assert!(texts.iter().any(|t| t.contains("its Corefile has grpc,")), "{texts:?}");
    assert_eq!(plan.goal.upgrade().unwrap().ignore, []);
    waived(&mut i, "coredns-migration");
    let plan = planned(&i);
    assert_eq!(blockers(&plan), []);
    let both = vec![Preflight::CoreDnsUnsupportedPlugins, Preflight::CoreDnsMigration];
    assert_eq!(plan.goal.upgrade().unwrap().ignore, both);
    assert!(
        matches!(&ops(&i, "kubeadm-apply")[..], [HostOp::KubeadmApply { ignore, .. }] if *ignore == both)
    );
    between(&mut i, "v1.31.5", "v1.31.9");
    let plan = planned(&i);
    assert_eq!(plan.goal.upgrade().unwrap().ignore, [], "addons go with apply there");
    assert!(
        blockers(&plan).iter().all(|(check, _)| *check == "coredns-upgrade") && plan.blockers().count() == 2
    );
}

#[test]
fn losses_that_are_waived_reach_the_guards_by_name() {
    let mut i = input();
    api_server(&mut i)
        .for_each(|m| drop(m.flags.0.insert("audit-log-path".into(), vec!["/var/log/a".into()])));
    assert_eq!(planned(&i).mends.meant, []);
    let unwaived = planned(&i);
    waived(&mut i, "flag-loss");
    let plan = planned(&i);
    let named: Vec<(&str, &str)> =
        plan.mends.meant.iter().map(|m| (m.component.name(), m.flag.as_str())).collect();
    assert_eq!(named, [("kube-apiserver", "audit-log-path")], "the endpoints are never meant to go");
    assert_ne!(plan.hash, unwaived.hash);
    for op in ops(&i, "guard-arm") {
        let HostOp::GuardArm { allow, .. } = op else { panic!("{op:?}") };
        assert_eq!(allow, plan.mends.meant);
    }
    let mut other = plan.clone();
    other.mends.meant = Vec::<FlagLoss>::new();
    let text = other.to_json();
    assert!(crate::program::Program::from_json(&text).is_err(), "what is meant is part of the hash");
}

/// One API server has a flag that the others have not, and all have another one: only the first needs a waiver, and the waiver of the first
/// changes nothing for the second.
#[test]
fn a_waiver_of_one_flag_keeps_the_repair_of_another_and_reaches_its_own_guard_alone() {
    let mut i = input();
    api_server(&mut i)
        .for_each(|m| drop(m.flags.0.insert("audit-log-path".into(), vec!["/var/log/a".into()])));
    let first = i.inventory.nodes.iter_mut().find(|n| n.name.as_str() == "runai-01").unwrap();
    for m in first.facts.iter_mut().flat_map(|f| &mut f.manifests) {
        if m.component == Component::KubeApiserver {
            m.flags.0.insert("audit-log-maxsize".into(), vec!["200".into()]);
        }
    }
    let plan = planned(&i);
    let blocker = plan.blockers().next().unwrap();
    assert_eq!(
        blocker.next, "podlift plan --to v1.32.9 --waive flag-loss/runai-01/audit-log-maxsize=REASON",
        "{blocker:?}"
    );
    waived(&mut i, "flag-loss/runai-01/audit-log-maxsize");
    let plan = planned(&i);
    assert_eq!(blockers(&plan), []);
    let kept = |r: &ConfigRepair| match r {
        ConfigRepair::SetArg { name, .. } => name == "audit-log-path",
        ConfigRepair::SetEtcdEndpoints { .. } => true,
        _ => false,
    };
    assert_eq!(plan.mends.repairs.iter().filter(|r| kept(r)).count(), 2, "{:?}", plan.mends.repairs);
    let named: Vec<&str> = plan.mends.meant.iter().map(|m| m.flag.as_str()).collect();
    assert_eq!(named, ["audit-log-maxsize"]);
    let allowed: Vec<usize> = ops(&i, "guard-arm")
        .into_iter()
        .map(|op| match op {
            HostOp::GuardArm { allow, .. } => allow.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(allowed, [1, 0, 0], "the guards of the other nodes put the flag back");
}

/// Case 62: the control plane goes two minors, one at a time, and the workers follow once.
#[test]
fn workers_may_follow_every_second_minor_and_go_there_in_one_step() {
    let mut i = input();
    between(&mut i, "v1.32.9", "v1.33.5");
    for node in i.inventory.nodes.iter_mut().filter(|n| n.name.as_str().starts_with("dgx")) {
        let old = "v1.31.9".parse().ok();
        node.view.kubelet = old;
        let facts = node.facts.as_mut().unwrap();
        (facts.kubeadm, facts.kubelet, facts.kubectl) = (old, old, old);
    }
    i.nodes = ["runai-01", "runai-02", "runai-03"].map(name).into();
    // BCM's manual allows two adjacent minors, and that is the rule of a site that says nothing else.
    i.options.skew = crate::program::Skew::Adjacent;
    let plan = planned(&i);
    let third: Vec<_> = plan.blockers().map(|f| (f.check.as_str(), f.site_rule, f.next.as_str())).collect();
    assert_eq!(third.len(), 4, "{third:?}");
    assert_eq!(third[0], ("version-skew", true, "podlift plan --to v1.32.9 --node dgx030"));
    i.options.skew = crate::program::Skew::Upstream;
    let plan = planned(&i);
    assert_eq!(blockers(&plan), []);
    let [(severity, text)] = found(&plan, "version-skew")[..] else { panic!("{:?}", plan.findings) };
    assert_eq!(severity, Severity::Note);
    assert!(text.contains("not in this plan: 4 nodes") && text.contains("up to 2 minors behind"), "{text}");
    for node in i.inventory.nodes.iter_mut().filter(|n| n.name.as_str().starts_with("runai")) {
        node.view.kubelet = "v1.33.5".parse().ok();
        node.facts.as_mut().unwrap().manifests.iter_mut().for_each(|m| m.version = "v1.33.5".parse().ok());
    }
    i.nodes.clear();
    for skew in [crate::program::Skew::Adjacent, crate::program::Skew::Upstream] {
        i.options.skew = skew;
        let plan = planned(&i);
        assert_eq!(blockers(&plan), [], "they come nearer");
        assert!(plan.steps().any(|s| s.id.as_str() == "canary/dgx030/kubeadm-node"), "in one step");
    }
}
