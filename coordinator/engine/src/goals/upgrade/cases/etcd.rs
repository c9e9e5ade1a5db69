//! Stacked etcd: the same member under different addresses, flags of etcd.yaml, and versions before 3.6.

use super::{api_server, between, blockers, case, cluster, flags_in, found, planned};
use crate::goals::PlanInput;
use crate::kubeadm_config::ConfigRepair;
use crate::program::{LossKind, Severity};
use crate::testing::name;
use podlift_model::survey::StackedEtcd;

fn stacked(manifest: &str) -> PlanInput {
    cluster(case!("18-ipv6-or-slash-local-etcd/kubeadm-config.yaml"), manifest, "v1.32.9")
}

fn endpoint(i: &PlanInput) -> (Vec<String>, usize) {
    let plan = planned(i);
    let lost = plan
        .goal
        .upgrade()
        .unwrap()
        .losses
        .iter()
        .filter(|l| l.name == "etcd-servers")
        .map(ToString::to_string)
        .collect();
    let repairs =
        plan.mends.repairs.iter().filter(|r| matches!(r, ConfigRepair::SetEtcdEndpoints { .. })).count();
    (lost, repairs)
}

const IPV4: &str = case!("18-ipv6-or-slash-local-etcd/live-slash.yaml");
const IPV6: &str = case!("18-ipv6-or-slash-local-etcd/live-ipv6.yaml");

#[test]
fn the_member_beside_the_api_server_is_the_same_under_all_its_addresses() {
    let none = (Vec::<String>::new(), 0);
    for manifest in [IPV4, IPV6] {
        assert_eq!(endpoint(&stacked(manifest)), none);
        assert_eq!(
            blockers(&planned(&stacked(manifest))).iter().filter(|(_, t)| t.contains("etcd")).count(),
            0
        );
    }
    for value in [
        "https://127.0.0.1:2379",
        "https://10.77.0.11:2379/",
        "https://localhost:2379",
        "unix:///run/etcd/etcd.sock",
        "https://127.0.0.1:2379/,https://10.77.0.11:2379",
    ] {
        let mut i = stacked(IPV4);
        api_server(&mut i)
            .for_each(|m| m.flags.0.insert("etcd-servers".into(), vec![value.into()]).map_or((), drop));
        assert_eq!(endpoint(&i), none, "{value}");
    }
}

#[test]
fn other_members_are_named_and_never_become_endpoints_of_an_external_etcd() {
    for value in ["https://10.77.0.12:2379", "https://127.0.0.1:3379", ""] {
        let mut i = stacked(IPV4);
        api_server(&mut i)
            .for_each(|m| m.flags.0.insert("etcd-servers".into(), vec![value.into()]).map_or((), drop));
        assert_eq!(endpoint(&i).1, 0, "{value}");
        let plan = planned(&i);
        let text = blockers(&plan).iter().map(|(_, t)| *t).collect::<String>();
        assert!(text.contains("kubeadm-config has a stacked etcd"), "{value}: {text}");
    }
}

#[test]
fn a_slash_at_the_end_is_no_change_of_an_external_etcd_either() {
    let config = case!("03-service-account-issuer-order/kubeadm-config.yaml");
    let mut i = cluster(config, case!("03-service-account-issuer-order/live-kube-apiserver.yaml"), "v1.32.9");
    for m in api_server(&mut i) {
        let servers = m.flags.items("etcd-servers").iter().map(|e| format!("{e}/")).collect::<Vec<_>>();
        m.flags.0.insert("etcd-servers".into(), vec![servers.join(",")]);
    }
    assert_eq!(endpoint(&i), (vec![], 0));
}

fn with_etcd(yaml: &str) -> PlanInput {
    let mut i = stacked(IPV4);
    let flags = flags_in(yaml, "etcd").unwrap();
    let etcd = StackedEtcd { image: "registry.k8s.io/etcd:3.5.15-0".into(), flags, opaque: None };
    for node in ["runai-01", "runai-02", "runai-03"] {
        i.surveys.get_mut(&name(node)).unwrap().as_mut().unwrap().etcd = Some(Ok(etcd.clone()));
    }
    i
}

#[test]
fn flags_of_etcd_yaml_that_kubeadm_config_does_not_have_are_named() {
    let live = case!("19-patches-forgotten-for-etcd/live-etcd.yaml");
    let plan = planned(&with_etcd(live));
    let lost: Vec<(LossKind, &str, usize)> = plan
        .goal
        .upgrade()
        .unwrap()
        .losses
        .iter()
        .filter(|l| l.component == "etcd")
        .map(|l| (l.kind, l.name.as_str(), l.nodes.len()))
        .collect();
    let flag = |name| (LossKind::Flag, name, 3);
    assert_eq!(lost, [flag("listen-metrics-urls"), flag("quota-backend-bytes")]);
    let texts: Vec<&str> = found(&plan, "flag-loss").into_iter().map(|(_, t)| t).collect();
    assert!(
        texts.iter().any(|t| t.contains("etcd: --quota-backend-bytes would vanish (now 8589934592)")),
        "{texts:?}"
    );

    let mut i = with_etcd(live);
    let text = &mut i.kubeadm_config.as_mut().unwrap().cluster_configuration;
    *text = text.replace(
        "    dataDir: /var/lib/etcd",
        "    dataDir: /var/lib/etcd\n    extraArgs: [{name: quota-backend-bytes, value: '8589934592'}, {name: listen-metrics-urls, value: 'http://0.0.0.0:2381'}]",
    );
    assert!(
        planned(&i).goal.upgrade().unwrap().losses.iter().all(|l| l.component != "etcd"),
        "kubeadm-config has them"
    );
    let other = live.replace("https://127.0.0.1:2379,", "http://127.0.0.1:2378,https://127.0.0.1:2379,");
    let plan = planned(&with_etcd(&other));
    assert!(
        plan.goal
            .upgrade()
            .unwrap()
            .losses
            .iter()
            .any(|l| l.name == "listen-client-urls" && l.live == "http://127.0.0.1:2378")
    );
}

#[test]
fn an_etcd_yaml_that_can_not_be_read_as_words_is_not_taken_for_one_without_flags() {
    let mut i = with_etcd(case!("19-patches-forgotten-for-etcd/live-etcd.yaml"));
    for etcd in i.surveys.values_mut().flatten().filter_map(|s| s.etcd.as_mut()) {
        etcd.as_mut().unwrap().opaque = Some("opaque: sh -c".into());
    }
    let plan = planned(&i);
    assert!(found(&plan, "flag-loss").iter().any(|(_, t)| t.contains("etcd.yaml's flags can't be known")));
    assert!(plan.goal.upgrade().unwrap().losses.iter().all(|l| l.component != "etcd"));
}

fn members(i: &mut PlanInput, versions: &str) {
    for state in i.etcd.values_mut().flatten() {
        for (member, line) in state.members.iter_mut().zip(versions.lines()) {
            member.version = line.split_whitespace().nth(1).unwrap().into();
        }
    }
}

#[test]
fn members_below_3_5_26_stop_the_move_to_3_6_of_a_stacked_etcd_only() {
    let versions = case!("57-etcd-35-to-36-zombie-learners/versions.txt");
    let told = |i: &mut PlanInput, from: &str, to: &str, versions: &str| {
        between(i, from, to);
        members(i, versions);
        found(&planned(i), "etcd-versions").into_iter().map(|(s, t)| (s, t.to_string())).collect::<Vec<_>>()
    };
    let found = told(&mut stacked(IPV4), "v1.33.5", "v1.34.1", versions);
    let [(Severity::Blocker, text)] = &found[..] else { panic!("{found:?}") };
    assert!(text.contains("runai-01 3.5.16, runai-02 3.5.21") && !text.contains("runai-03"), "{text}");
    assert!(text.contains("3.5.26-0"), "{text}");
    assert_eq!(told(&mut stacked(IPV4), "v1.32.9", "v1.33.5", versions), []);
    let good = "a 3.5.26\nb 3.5.27\nc 3.6.5";
    assert_eq!(told(&mut stacked(IPV4), "v1.33.5", "v1.34.1", good), []);
    let external = || {
        let config = case!("03-service-account-issuer-order/kubeadm-config.yaml");
        cluster(config, case!("03-service-account-issuer-order/live-kube-apiserver.yaml"), "v1.32.9")
    };
    let found = told(&mut external(), "v1.33.5", "v1.34.1", versions);
    let [(Severity::Note, text)] = &found[..] else { panic!("{found:?}") };
    assert!(text.starts_with("external etcd, which the upgrade leaves alone: runai-01 3.5.16"), "{text}");
    assert_eq!(told(&mut external(), "v1.33.5", "v1.34.1", good), []);
    let found = told(&mut external(), "v1.33.5", "v1.34.1", "a 3.5.12\nb 3.5.26\nc 3.5.26");
    assert!(matches!(&found[..], [(Severity::Warning, _)]), "{found:?}");
}
