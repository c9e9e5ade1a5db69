//! Flags whose order has a meaning, that repeat, that lead to another store, that belong to another container, or that can't be known.

use super::{api_server, between, blockers, case, cluster, found, planned};
use crate::goals::PlanInput;
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair, repair};
use crate::program::{Program, Severity, Waiver};
use crate::testing::config_of;
use podlift_model::flags::FlagChange;
use podlift_model::op::Component;
use podlift_model::survey::ManifestExtras;

const ISSUER: &str = "service-account-issuer";
const ISSUERS: [&str; 2] = ["https://kubernetes.default.svc.cluster.local", "https://tokens.site.example"];

fn issuers(to: &str) -> PlanInput {
    let config = case!("03-service-account-issuer-order/kubeadm-config.yaml");
    let mut i = cluster(config, case!("03-service-account-issuer-order/live-kube-apiserver.yaml"), to);
    between(&mut i, "v1.31.9", to);
    i
}

fn losses(plan: &Program) -> Vec<String> {
    plan.goal
        .upgrade()
        .unwrap()
        .losses
        .iter()
        .filter(|l| l.component == "kube-apiserver")
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_order_of_issuers_is_named_and_kept_where_the_target_writes_extra_args_in_their_order() {
    let plan = planned(&issuers("v1.32.13"));
    let [loss] = &losses(&plan)[..] else { panic!("{:?}", plan.goal.upgrade().unwrap().losses) };
    assert!(loss.contains("--service-account-issuer would change its order, which has a meaning"), "{loss}");
    let values = ISSUERS.map(String::from).to_vec();
    let want = ConfigRepair::SetArg { component: Component::KubeApiserver, name: ISSUER.into(), values };
    assert!(plan.mends.repairs.contains(&want), "{:?}", plan.mends.repairs);
    assert_eq!(blockers(&plan), []);
    let mut after = issuers("v1.32.13");
    let text = &mut after.kubeadm_config.as_mut().unwrap().cluster_configuration;
    *text = repair(text, &plan.mends.repairs).unwrap();
    assert_eq!(losses(&planned(&after)), Vec::<String>::new());
}

#[test]
fn a_kubeadm_that_sorts_changes_nothing_of_sorted_issuers_and_can_not_keep_others() {
    assert_eq!(losses(&planned(&issuers("v1.32.11"))), Vec::<String>::new());
    let mut i = issuers("v1.32.11");
    for m in api_server(&mut i) {
        m.flags.0.get_mut(ISSUER).unwrap().reverse();
    }
    let plan = planned(&i);
    let [(check, text)] = blockers(&plan)[..] else { panic!("{:?}", plan.findings) };
    assert_eq!(check, "flag-loss");
    assert!(text.contains("kubeadm of v1.32.11 sorts the values that it writes"), "{text}");
    let mut later = i.clone();
    between(&mut later, "v1.31.9", "v1.32.12");
    assert_eq!(losses(&planned(&later)), Vec::<String>::new(), "kubeadm-config has just this order");
}

#[test]
fn a_line_that_only_moves_is_seen_though_kubeadms_difference_has_no_word_of_it() {
    let mut i = issuers("v1.32.13");
    for survey in i.surveys.values_mut().flatten() {
        survey.target_diff = Some(Ok(vec![]));
    }
    assert_eq!(losses(&planned(&i)).len(), 1);
}

fn repeated(to: &str) -> PlanInput {
    let config = case!("04-repeated-flag-hand-added-v1beta3/kubeadm-config.yaml");
    let mut i = cluster(config, case!("04-repeated-flag-hand-added-v1beta3/live-kube-apiserver.yaml"), to);
    between(&mut i, "v1.31.9", to);
    i
}

#[test]
fn repeated_flags_of_v1beta3_get_a_place_in_v1beta4_and_are_never_joined() {
    for to in ["v1.32.9", "v1.32.13"] {
        let plan = planned(&repeated(to));
        assert_eq!(blockers(&plan), [], "{to}");
        let text = repair(&plan.mends.kubeadm_config.cluster_configuration, &plan.mends.repairs).unwrap();
        assert!(
            text.starts_with("apiServer:") && text.contains("apiVersion: kubeadm.k8s.io/v1beta4"),
            "{text}"
        );
        assert!(!text.contains("local,https"), "{text}");
        let args = ClusterConfiguration::parse(&text).unwrap().extra_args(Component::KubeApiserver);
        let of =
            |flag: &str| args.iter().filter(|(n, _)| n == flag).map(|(_, v)| v.clone()).collect::<Vec<_>>();
        assert_eq!(of(ISSUER), ISSUERS);
        assert_eq!(of("tls-sni-cert-key").len(), 2);
        let mut after = repeated(to);
        after.kubeadm_config.as_mut().unwrap().cluster_configuration = text;
        assert_eq!(losses(&planned(&after)), Vec::<String>::new(), "{to}: it renders what runs");
    }
}

#[test]
fn what_v1beta4_has_no_place_for_blocks_and_kubeadms_old_default_does_not() {
    let with = |timeout: &str| {
        let mut i = repeated("v1.32.9");
        let text = &mut i.kubeadm_config.as_mut().unwrap().cluster_configuration;
        *text += &format!("apiServer: {{timeoutForControlPlane: {timeout}, extraArgs: {{v: '2'}}}}\n");
        planned(&i)
    };
    let plan = with("10m0s");
    let texts: Vec<&str> = blockers(&plan).iter().map(|(_, text)| *text).collect();
    assert!(texts.iter().any(|t| t.contains("because of apiServer.timeoutForControlPlane")), "{texts:?}");
    assert!(
        plan.mends
            .repairs
            .iter()
            .all(|r| !matches!(r, ConfigRepair::SetArg { values, .. } if values.len() > 1))
    );
    let plan = with("4m0s");
    assert_eq!(blockers(&plan), []);
    let text = repair(&plan.mends.kubeadm_config.cluster_configuration, &plan.mends.repairs).unwrap();
    assert!(!text.contains("timeoutForControlPlane") && text.contains("- name: v\n"), "{text}");
}

#[test]
fn a_prefix_of_the_store_blocks_whatever_is_waived_and_gates_go_by_name() {
    let config = case!("26-m06-etcd-prefix-many-gates/kubeadm-config.yaml");
    let mut i = cluster(config, case!("26-m06-etcd-prefix-many-gates/kube-apiserver.yaml"), "v1.32.9");
    i.options.site_gates.clear();
    i.waivers = vec![Waiver { check: "flag-loss".into(), reason: "meant".into(), by: "jane".into() }];
    let plan = planned(&i);
    let [(check, text)] = blockers(&plan)[..] else { panic!("{:?}", blockers(&plan)) };
    assert!(check == "etcd-store" && text.contains("--etcd-prefix would vanish (now /site/prod)"), "{text}");
    assert!(!plan.mends.meant.iter().any(|m| m.flag.as_str() == "etcd-prefix"), "{:?}", plan.mends.meant);
    assert!(plan.mends.meant.iter().any(|m| m.flag.as_str() == "event-ttl"), "{:?}", plan.mends.meant);
    let told = found(&plan, "runtime-config");
    assert!(
        told.iter().all(|(s, t)| *s == Severity::Note && t.contains("api/all=true switches on")),
        "{told:?}"
    );
    let gates = found(&plan, "gates");
    assert!(gates.iter().any(|(_, t)| t.starts_with("ValidatingAdmissionPolicy=true")), "{gates:?}");
    i.waivers.clear();
    let kept = planned(&i).mends.repairs.into_iter().find_map(|r| match r {
        ConfigRepair::SetArg { name, values, .. } if name == "feature-gates" => Some(values.join(",")),
        _ => None,
    });
    let kept = kept.unwrap();
    assert!(!kept.contains("ValidatingAdmissionPolicy") && kept.contains("WatchList=true"), "{kept}");
}

#[test]
fn another_container_is_named_once_and_its_flags_are_nobodys() {
    let manifest = case!("28-m08-second-container/kube-apiserver.yaml");
    let config = case!("03-service-account-issuer-order/kubeadm-config.yaml");
    let mut i = cluster(config, manifest, "v1.32.9");
    let change = |flag: &str, live: &str| FlagChange {
        component: "kube-apiserver".into(),
        flag: flag.into(),
        live: Some(live.into()),
        rendered: None,
    };
    for node in ["runai-01", "runai-02", "runai-03"] {
        let survey = i.surveys.get_mut(&crate::testing::name(node)).unwrap().as_mut().unwrap();
        survey.target_diff = Some(Ok(vec![change("listen", "unix:///var/run/kms/sock"), change("v", "4")]));
        let containers = vec!["kms-plugin".to_string()];
        survey.extras.insert("kube-apiserver".into(), ManifestExtras { containers, ..Default::default() });
    }
    let plan = planned(&i);
    let all: Vec<String> = losses(&plan);
    assert!(all.iter().all(|l| !l.contains("--listen") && !l.contains("(now 4)")), "{all:#?}");
    let named: Vec<_> =
        blockers(&plan).into_iter().filter(|(_, t)| t.contains("container kms-plugin")).collect();
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].1.contains("runai-01, runai-02, runai-03"), "{named:?}");
}

#[test]
fn a_manifest_behind_a_shell_blocks_with_that_reason_and_nothing_is_derived_from_it() {
    let config = case!("03-service-account-issuer-order/kubeadm-config.yaml");
    let i = cluster(config, case!("23-m03-sh-c-plain-scalar/kube-apiserver.yaml"), "v1.32.9");
    let plan = planned(&i);
    let all = blockers(&plan);
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(all.iter().all(|(check, t)| *check == "manifests" && t.contains("opaque: sh -c")), "{all:?}");
    assert_eq!((losses(&plan), plan.mends.repairs), (vec![], vec![]));
}

#[test]
fn a_flag_with_underscores_in_extra_args_is_the_flag() {
    let text = config_of(case!("03-service-account-issuer-order/kubeadm-config.yaml"));
    let text = text.replace("service-account-issuer", "service_account_issuer");
    let config = ClusterConfiguration::parse(&text).unwrap();
    let by = crate::kubeadm_config::Renderer::of("v1.32.13".parse().unwrap());
    // kubeadm compares names by their exact text, so it writes its own default too.
    let values = config.rendered(Component::KubeApiserver, by).0.remove(ISSUER).unwrap();
    assert_eq!(values, [ISSUERS[0], ISSUERS[1], ISSUERS[0]]);
    let set = ConfigRepair::SetArg {
        component: Component::KubeApiserver,
        name: ISSUER.into(),
        values: vec![ISSUERS[0].into()],
    };
    assert!(!repair(&text, &[set]).unwrap().contains("service_account_issuer"));
}
