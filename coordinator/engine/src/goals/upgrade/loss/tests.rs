//! Tests on the recorded manifests and ConfigMaps, and on settings that people add by hand.

use super::*;
use crate::goals::upgrade::build;
use crate::kubeadm_config::{ConfigRepair, Renderer, repair};
use crate::program::Program;
use crate::testing::{config_text, endpoints, input, name};
use podlift_model::FlagSet;
use podlift_model::op::Component;
use podlift_model::survey::ManifestExtras;
use std::collections::BTreeMap;

fn recorded(component: Component) -> FlagSet {
    let yaml = match component {
        Component::KubeApiserver => {
            include_str!("../../../../../../tests/fixtures/manifests/v1.31.14/kube-apiserver.yaml")
        }
        Component::KubeControllerManager => {
            include_str!("../../../../../../tests/fixtures/manifests/v1.31.14/kube-controller-manager.yaml")
        }
        Component::KubeScheduler => {
            include_str!("../../../../../../tests/fixtures/manifests/v1.31.14/kube-scheduler.yaml")
        }
    };
    let pod: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    let command = pod["spec"]["containers"][0]["command"].as_array().unwrap();
    FlagSet::parse(command.iter().filter_map(|w| w.as_str()))
}

/// The three control-plane nodes run the recorded manifests; kubeadm-config is the recorded one.
fn as_recorded(config: &str) -> PlanInput {
    let mut i = input();
    for node in &mut i.inventory.nodes {
        for manifest in node.facts.iter_mut().flat_map(|f| &mut f.manifests) {
            manifest.flags = recorded(manifest.component);
        }
    }
    i.kubeadm_config.as_mut().unwrap().cluster_configuration = config_text(config);
    i.options.site_gates.clear();
    i
}

fn told(plan: &Program) -> Vec<String> {
    plan.goal.upgrade().unwrap().losses.iter().map(Loss::to_string).collect()
}

fn edit(i: &mut PlanInput, nodes: &[&str], component: Component, flag: &str, value: &str) {
    for node in &mut i.inventory.nodes {
        if nodes.contains(&node.name.as_str()) {
            let manifests = &mut node.facts.as_mut().unwrap().manifests;
            let manifest = manifests.iter_mut().find(|m| m.component == component).unwrap();
            manifest.flags.0.insert(flag.into(), vec![value.into()]);
        }
    }
}

const SERVERS: [&str; 3] = ["runai-01", "runai-02", "runai-03"];

#[test]
fn the_recorded_bad_configmap_loses_exactly_the_endpoints_and_the_patch_makes_it_the_good_one() {
    let plan = build(&as_recorded("bad")).unwrap();
    let [loss] = &plan.goal.upgrade().unwrap().losses[..] else {
        panic!("{:#?}", plan.goal.upgrade().unwrap().losses)
    };
    assert_eq!(
        (loss.component.as_str(), loss.kind, loss.name.as_str()),
        ("kube-apiserver", LossKind::Flag, "etcd-servers")
    );
    assert_eq!((loss.live.as_str(), loss.becomes.as_deref()), (endpoints().join(",").as_str(), Some("")));
    assert_eq!((loss.nodes.len(), loss.origin.as_str()), (3, "kubeadm-config etcd.external.endpoints"));
    assert_eq!(plan.mends.repairs, [ConfigRepair::SetEtcdEndpoints { endpoints: endpoints() }]);
    assert_eq!(
        repair(&plan.mends.kubeadm_config.cluster_configuration, &plan.mends.repairs).unwrap(),
        config_text("good")
    );
    assert_eq!(plan.blockers().count(), 0, "{:?}", plan.findings);
}

#[test]
fn the_recorded_good_configmap_loses_nothing() {
    let plan = build(&as_recorded("good")).unwrap();
    assert_eq!((told(&plan), plan.mends.repairs), (vec![], vec![]));
}

#[test]
fn a_flag_added_by_hand_on_all_nodes_is_put_where_kubeadm_reads_it() {
    let mut i = as_recorded("good");
    edit(&mut i, &SERVERS, Component::KubeApiserver, "audit-log-maxage", "30");
    edit(&mut i, &SERVERS, Component::KubeControllerManager, "cluster-cidr", "10.99.0.0/16");
    let plan = build(&i).unwrap();
    assert_eq!(
        told(&plan),
        [
            "kube-apiserver: --audit-log-maxage would vanish (now 30) on runai-01, runai-02, runai-03; no ConfigMap of kubeadm has it: it was added by hand",
            "kube-controller-manager: --cluster-cidr would change to 10.88.0.0/16 (now 10.99.0.0/16) on runai-01, runai-02, runai-03; kubeadm-config networking.podSubnet",
        ]
    );
    assert_eq!(plan.blockers().count(), 0, "{:?}", plan.findings);
    let text = repair(&plan.mends.kubeadm_config.cluster_configuration, &plan.mends.repairs).unwrap();
    i.kubeadm_config.as_mut().unwrap().cluster_configuration = text;
    let after = build(&i).unwrap();
    assert_eq!((told(&after), after.mends.repairs), (vec![], vec![]), "the repaired text renders what runs");
}

#[test]
fn a_flag_of_one_node_only_is_for_a_person() {
    let mut i = as_recorded("good");
    edit(&mut i, &["runai-02"], Component::KubeScheduler, "v", "4");
    let plan = build(&i).unwrap();
    let blockers: Vec<&str> = plan.blockers().map(|f| f.evidence.as_str()).collect();
    assert!(
        blockers.len() == 1 && blockers[0].contains("disagree on --v (runai-01: absent; runai-02: 4"),
        "{blockers:?}"
    );
    assert_eq!(plan.goal.upgrade().unwrap().losses[0].nodes, [name("runai-02")]);
}

#[test]
fn what_is_the_nodes_own_is_no_loss() {
    let mut i = as_recorded("good");
    edit(&mut i, &["runai-02"], Component::KubeApiserver, "advertise-address", "10.77.0.12");
    edit(&mut i, &SERVERS, Component::KubeApiserver, "secure-port", "6444");
    assert_eq!(told(&build(&i).unwrap()), Vec::<String>::new());
}

#[test]
fn gates_added_by_hand_are_kept_unless_they_would_kill() {
    let mut i = as_recorded("good");
    let live = "MaxUnavailableStatefulSet=true,AllAlpha=false,KMSv2=true";
    edit(&mut i, &SERVERS, Component::KubeApiserver, "feature-gates", live);
    let plan = build(&i).unwrap();
    let values = vec!["MaxUnavailableStatefulSet=true,AllAlpha=false".to_string()];
    let want =
        ConfigRepair::SetArg { component: Component::KubeApiserver, name: "feature-gates".into(), values };
    assert_eq!(plan.mends.repairs, [want]);
    edit(
        &mut i,
        &SERVERS,
        Component::KubeApiserver,
        "feature-gates",
        "MaxUnavailableStatefulSet=true,KMSv2=true",
    );
    assert_eq!(told(&build(&i).unwrap()), Vec::<String>::new(), "what goes had to go");
}

#[test]
fn kubeadms_own_difference_counts_where_it_was_asked() {
    let mut i = as_recorded("good");
    edit(&mut i, &SERVERS, Component::KubeApiserver, "profiling", "false");
    for node in SERVERS {
        let survey = i.surveys.get_mut(&name(node)).unwrap().as_mut().unwrap();
        survey.target_diff = Some(Ok(vec![]));
    }
    assert_eq!(told(&build(&i).unwrap()), Vec::<String>::new());
    for node in SERVERS {
        let survey = i.surveys.get_mut(&name(node)).unwrap().as_mut().unwrap();
        survey.target_diff = Some(Err("the package can't be fetched".into()));
    }
    assert_eq!(told(&build(&i).unwrap()).len(), 1);
}

#[test]
fn environment_volumes_and_containers_of_a_manifest() {
    let with = |config: String, extras: ManifestExtras| {
        let mut i = as_recorded("good");
        i.kubeadm_config.as_mut().unwrap().cluster_configuration = config;
        let survey = i.surveys.get_mut(&name("runai-01")).unwrap().as_mut().unwrap();
        survey.extras.insert("kube-apiserver".into(), extras);
        build(&i).unwrap()
    };
    let env = |text: &str| ManifestExtras { env: vec![text.into()], ..ManifestExtras::default() };
    let plan = with(config_text("good"), env("HTTPS_PROXY=http://proxy:3128"));
    assert_eq!(plan.blockers().count(), 0, "{:?}", plan.findings);
    let text = repair(&config_text("good"), &plan.mends.repairs).unwrap();
    assert!(text.contains("  extraEnvs:\n  - name: HTTPS_PROXY\n    value: http://proxy:3128\n"), "{text}");
    assert_eq!(with(text, env("HTTPS_PROXY=http://proxy:3128")).goal.upgrade().unwrap().losses, []);

    let old = config_text("good").replace("v1beta4", "v1beta3").replace(
        "- name: feature-gates\n    value: MaxUnavailableStatefulSet=true",
        "  feature-gates: MaxUnavailableStatefulSet=true",
    );
    let plan = with(old, env("A=b"));
    assert_eq!(plan.mends.patches[0].name.name(), "kube-apiserver0+strategic.yaml");
    assert_eq!(plan.mends.patches[0].nodes, [name("runai-01")]);
    assert!(
        plan.mends.patches[0].text.contains("name: A") && plan.mends.patches[0].text.contains("value: b")
    );
    assert_eq!(plan.blockers().count(), 0, "{:?}", plan.findings);
    let kept = ConfigRepair::Patch { file: Component::KubeApiserver.into(), nodes: vec![name("runai-01")] };
    assert_eq!(plan.mends.prevented[0].repair, kept);
    let writes: Vec<&str> = patch_steps(&plan);
    assert_eq!(writes, ["pre-stage/runai-01/kubeadm-patches"], "on its node and on no other");

    let volumes =
        ["k8s-certs", "etcd-certs-0", "audit"].map(|v| (v.to_string(), "/var/log/audit".to_string()));
    let extras = ManifestExtras {
        volumes: BTreeMap::from(volumes),
        containers: vec!["kms".into()],
        ..ManifestExtras::default()
    };
    let plan = with(config_text("good"), extras);
    let lost: Vec<(LossKind, &str)> =
        plan.goal.upgrade().unwrap().losses.iter().map(|l| (l.kind, l.name.as_str())).collect();
    assert_eq!(lost, [(LossKind::Volume, "audit"), (LossKind::Container, "kms")]);
    assert_eq!(plan.blockers().count(), 2);
}

#[test]
fn the_kubelets_configuration_is_compared_with_its_configmap() {
    let with = |key: &str, value: serde_json::Value| {
        let mut i = as_recorded("good");
        let survey = i.surveys.get_mut(&name("dgx031")).unwrap().as_mut().unwrap();
        survey.kubelet.as_mut().unwrap().config[key] = value;
        build(&i).unwrap()
    };
    let plan = with("maxPods", 500.into());
    assert_eq!(
        told(&plan),
        ["kubelet: maxPods would change to 250 (now 500) on dgx031; ConfigMap kubelet-config maxPods"]
    );
    assert_eq!(
        (plan.mends.patches[0].name.name(), plan.mends.patches[0].text.as_str()),
        ("kubeletconfiguration0+merge.yaml", "maxPods: 500\n")
    );
    assert_eq!((plan.blockers().count(), plan.mends.kubelet_config.as_ref()), (0, None));
    assert_eq!(patch_steps(&plan), ["pre-stage/dgx031/kubeadm-patches"]);
    assert_eq!(told(&with("failSwapOn", false.into())).len(), 1);
    for (key, zero) in [
        ("streamingConnectionIdleTimeout", "0s".into()),
        ("resolvConf", "/etc/resolv.conf".into()),
        ("logging", serde_json::json!({"verbosity": 0})),
    ] {
        assert_eq!(told(&with(key, zero)), Vec::<String>::new(), "{key}");
    }
    assert_eq!(
        told(&with("featureGates", serde_json::json!({"KMSv2": true}))),
        Vec::<String>::new(),
        "it has to go"
    );
    assert_eq!(told(&with("featureGates", serde_json::json!({"AllAlpha": false}))).len(), 1);
}

fn patch_steps(plan: &Program) -> Vec<&str> {
    let steps = plan.steps().filter(|s| s.kind.step().verb() == "kubeadm-patches");
    steps.map(|s| s.id.as_str()).collect()
}

#[test]
fn a_setting_of_all_kubelets_is_put_into_the_configmap_without_the_gates_that_would_kill() {
    let mut i = as_recorded("good");
    for survey in i.surveys.values_mut() {
        let config = &mut survey.as_mut().unwrap().kubelet.as_mut().unwrap().config;
        config["maxPods"] = 500.into();
        config["featureGates"] = serde_json::json!({"AllAlpha": false, "KMSv2": true});
    }
    let plan = build(&i).unwrap();
    let set = |key: &str, value| ConfigRepair::SetKubelet { key: key.into(), value };
    assert_eq!(
        plan.mends.repairs,
        [set("featureGates", serde_json::json!({"AllAlpha": false})), set("maxPods", 500.into())]
    );
    assert_eq!((plan.blockers().count(), plan.mends.patches.len()), (0, 0), "{:?}", plan.findings);
    assert_eq!(plan.mends.kubelet_config.as_deref(), Some(crate::testing::survey::KUBELET_CONFIG));
    let step = plan.step(&podlift_model::StepId::new("root-cause/repair-kubelet-config").unwrap());
    assert!(step.is_some());
    let text = plan.mends.kubelet_config.unwrap();
    let mended = crate::analysis::mend_kubelet_config(&text, &plan.mends.repairs).unwrap();
    i.cluster_survey.as_mut().unwrap().kubelet_config = Ok(mended);
    let after = build(&i).unwrap();
    assert_eq!((told(&after), after.mends.repairs), (vec![], vec![]), "only the gate that kills goes");
}

#[test]
fn what_a_node_keeps_by_a_patch_is_written_once_and_taken_away_when_it_is_over() {
    let mut i = as_recorded("good");
    let survey = i.surveys.get_mut(&name("dgx031")).unwrap().as_mut().unwrap();
    survey.kubelet.as_mut().unwrap().config["maxPods"] = 500.into();
    let patch = build(&i).unwrap().mends.patches.remove(0);
    let digest = podlift_model::Digest::of(&patch.text);
    let facts = i.inventory.nodes.iter_mut().find(|n| n.name == name("dgx031")).unwrap().facts.as_mut();
    facts.unwrap().patches.insert(patch.name, digest);
    assert_eq!(patch_steps(&build(&i).unwrap()).len(), 1);
    i.surveys.get_mut(&name("dgx031")).unwrap().as_mut().unwrap().kubelet.as_mut().unwrap().config["maxPods"] =
        250.into();
    let plan = build(&i).unwrap();
    assert_eq!((patch_steps(&plan).len(), plan.mends.patches.len()), (1, 0), "the step takes it away");
}

#[test]
fn what_we_render_is_what_kubeadm_wrote() {
    let config = ClusterConfiguration::parse(&config_text("good")).unwrap();
    for component in Component::ALL {
        let changes = recorded(*component).changes_to(
            component.name(),
            &config.rendered(*component, Renderer::of("v1.32.9".parse().unwrap())),
        );
        let flags: Vec<&str> = changes.iter().map(|c| c.flag.as_str()).collect();
        let own: &[&str] =
            if *component == Component::KubeApiserver { crate::kubeadm_config::NODES_OWN } else { &[] };
        assert_eq!(flags, own, "{component}");
    }
}
