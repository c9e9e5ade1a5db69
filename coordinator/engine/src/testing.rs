//! A small SuperPOD as the planner sees it, for the tests of this crate: three control-plane nodes, four workers, v1.31.9 to v1.32.9, and a
//! kubeadm-config with the recorded empty endpoint list.

pub mod bcm;
pub mod survey;

use crate::doors::{AddonsView, ApiProbe, KubeadmConfigView, NodeView};
use crate::goals::PlanInput;
use crate::inventory::Inventory;
use crate::program::PlanOptions;
use jiff::Timestamp;
use podlift_model::facts::*;
use podlift_model::op::{Component, Package};
use podlift_model::*;
use std::collections::BTreeMap;

pub fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

pub fn endpoints() -> Vec<String> {
    (11..14).map(|n| format!("https://10.77.0.{n}:2379")).collect()
}

pub fn manifest(component: Component, version: &str, flags: &[&str]) -> ManifestFacts {
    ManifestFacts {
        opaque: None,
        component,
        sha256: Digest::of(format!("{component}{version}{flags:?}")),
        image: format!("registry.k8s.io/{component}:{version}"),
        version: version.parse().ok(),
        flags: FlagSet::parse(flags.iter().copied()),
        unreadable: None,
    }
}

pub fn facts(node: &str, control_plane: bool) -> NodeFacts {
    let version: PackageVersion = "1.31.9-1.1".parse().unwrap();
    let state = PackageState { version: Some(version.clone()), held: true };
    let servers = format!("--etcd-servers={}", endpoints().join(","));
    let manifests = Component::ALL.iter().map(|c| match c {
        Component::KubeApiserver => {
            manifest(*c, "v1.31.9", &[&servers, "--feature-gates=MaxUnavailableStatefulSet=true"])
        }
        _ => manifest(*c, "v1.31.9", &["--leader-elect=true"]),
    });
    NodeFacts {
        step_aside: Some(Default::default()),
        certificate_renewal: true,
        machine: None,
        recipients: vec!["age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq".into()],
        node: name(node),
        boot: BootId::new("boot-1").unwrap(),
        ledger: LedgerId::new(format!("ledger-{node}")).unwrap(),
        agent_version: "0.1.0".into(),
        packages: ["kubeadm", "kubelet", "kubectl"].iter().map(|p| (p.to_string(), state.clone())).collect(),
        kubeadm: Some(version.kube),
        kubelet: Some(version.kube),
        kubectl: Some(version.kube),
        apt_minor: Some(version.kube.minor()),
        manifests: if control_plane { manifests.collect() } else { vec![] },
        advertise: control_plane.then(|| format!("10.77.0.{}:6443", node.len())),
        etcd_endpoints: if control_plane { endpoints() } else { vec![] },
        guard: GuardState::Steady,
        expectations: None,
        heal: None,
        patches: BTreeMap::new(),
        running: vec![],
        free_bytes: 1 << 40,
        clock: None,
    }
}

pub fn view(node: &str, control_plane: bool) -> NodeView {
    NodeView {
        name: name(node),
        ready: true,
        ready_message: String::new(),
        unschedulable: false,
        owner: None,
        kubelet: "v1.31.9".parse().ok(),
        control_plane,
        cri_socket: true,
        internal_ip: None,
        cordoned_by: None,
        soft_taint: None,
        taints: vec![],
        controllers: vec![],
        runtime: Some("containerd://2.1.4".into()),
        labels: labels(node),
    }
}

/// Labels that place the nodes in two racks.
fn labels(node: &str) -> BTreeMap<String, String> {
    let rack = if node < "dgx032" { "r1" } else { "r2" };
    BTreeMap::from([("kubernetes.io/hostname".into(), node.into()), ("rack".into(), rack.into())])
}

pub fn config_text(file: &str) -> String {
    let yaml = match file {
        "good" => include_str!("../../../tests/fixtures/kubeadm-config/kubeadm-config.good.yaml"),
        _ => include_str!("../../../tests/fixtures/kubeadm-config/kubeadm-config.empty-endpoints.yaml"),
    };
    config_of(yaml)
}

/// ClusterConfiguration of a ConfigMap.
pub fn config_of(yaml: &str) -> String {
    let map: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    map["data"]["ClusterConfiguration"].as_str().unwrap().to_string()
}

pub fn input() -> PlanInput {
    let servers = ["runai-01", "runai-02", "runai-03"];
    let workers = ["dgx030", "dgx031", "dgx032", "dgx033"];
    let all = || servers.iter().map(|n| (*n, true)).chain(workers.iter().map(|n| (*n, false)));
    let to: KubeVersion = "v1.32.9".parse().unwrap();
    let offer = |package| PackageOffer {
        package,
        version: "1.32.9-1.1".parse().unwrap(),
        repository: "https://pkgs.k8s.io/core:/stable:/v1.32/deb".into(),
    };
    let offers = vec![offer(Package::Kubeadm), offer(Package::Kubelet), offer(Package::Kubectl)];
    let member = |i: usize| EtcdMember {
        name: servers[i].into(),
        id: Some(format!("{:x}", i + 1)),
        endpoint: endpoints()[i].clone(),
        healthy: true,
        leader: i == 1,
        local: false,
        revision: 4107,
        version: "3.5.26".into(),
        error: None,
        db_size_bytes: Some(64 << 20),
        latency_ms: Some(3),
    };
    let etcd = EtcdState {
        overrides: std::collections::BTreeMap::new(),
        cluster: "eed5f7f8a2ce3bef".into(),
        members: (0..3).map(member).collect(),
        alarms: vec![],
    };
    PlanInput {
        cluster: ClusterName::new("runaicluster").unwrap(),
        goal: Default::default(),
        to,
        nodes: vec![],
        options: PlanOptions::default(),
        waivers: vec![],
        inventory: Inventory::join(
            all().map(|(n, c)| view(n, c)).collect(),
            all().map(|(n, c)| facts(n, c)).collect(),
        ),
        kubeadm_config: Ok(KubeadmConfigView {
            resource_version: "1785".into(),
            cluster_configuration: config_text("bad"),
            managers: vec![],
        }),
        offers: all().map(|(n, _)| (name(n), Ok(offers.clone()))).collect(),
        etcd: servers.iter().map(|n| (name(n), Ok(etcd.clone()))).collect(),
        probes: vec![ApiProbe { endpoint: "vip".into(), ok: true, why: String::new() }],
        addons: Ok(AddonsView {
            kube_proxy: true,
            coredns: true,
            kube_proxy_version: "v1.31.9".parse().ok(),
            ..AddonsView::default()
        }),
        bcm: Some(bcm::view()),
        clocks: Default::default(),
        refused_agents: Default::default(),
        surveys: survey::node_surveys(all()),
        cluster_survey: Ok(survey::cluster_survey()),
        secrets: Default::default(),
        open_run: None,
        attestations: crate::program::ATTESTATIONS
            .iter()
            .map(|(id, _)| crate::program::Attestation {
                id: id.to_string(),
                by: "jane".into(),
                at: Timestamp::UNIX_EPOCH,
                note: String::new(),
            })
            .collect(),
        earlier: Default::default(),
        issues: vec![],
        now: Timestamp::UNIX_EPOCH,
    }
}
