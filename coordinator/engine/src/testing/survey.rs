//! The surveys of a healthy SuperPOD, on which no check has a finding.

use super::{endpoints, name};
use crate::survey::*;
use jiff::Timestamp;
use podlift_model::images::{ImageFilesystem, ImagesState};
use podlift_model::survey::*;
use podlift_model::{FlagSet, NodeName};
use std::collections::BTreeMap;

/// A time after the `now` of every test.
fn far() -> Timestamp {
    "2096-01-01T00:00:00Z".parse().unwrap()
}

pub const KUBELET_CONFIG: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncgroupDriver: systemd\nclusterDNS:\n- 10.96.0.10\nclusterDomain: cluster.local\nmaxPods: 250\nresolvConf: /run/systemd/resolve/resolv.conf\nrotateCertificates: true\n";

pub fn node_survey(control_plane: bool) -> NodeSurvey {
    let disk = Disk { free_bytes: 1 << 40, free_inodes: 1 << 24, read_only: false };
    let certificate = |path: &str| CertificateFacts {
        index: 0,
        path: path.into(),
        subject: "CN=test".into(),
        not_after: far(),
        ca: false,
    };
    let install = ["kubeadm", "kubectl", "kubelet"].map(|p| (p.to_string(), "1.32.9-1.1".to_string()));
    let folders: &[&str] = if control_plane {
        &["/var", "/var/lib/containerd", "/var/lib/podlift"]
    } else {
        &["/var", "/var/lib/containerd"]
    };
    NodeSurvey {
        etcd: None,
        external_ca: None,
        foreign_sources: vec![],
        kubeconfigs: vec![],
        names: None,
        patch_folders: vec![],
        disks: folders.iter().map(|f| (f.to_string(), disk)).collect(),
        certificates: vec![certificate("/var/lib/kubelet/pki/kubelet-client-current.pem")],
        other_manifests: vec![],
        automation: Automation::default(),
        containerd: Some(Containerd {
            version: "2.1.4".into(),
            cdi: true,
            runtimes: vec!["nvidia".into(), "runc".into()],
        }),
        kubelet: Ok(KubeletSettings {
            origins: std::collections::BTreeMap::new(),
            running: None,
            config: serde_saphyr::from_str(KUBELET_CONFIG).unwrap(),
            flags: FlagSet::parse(["--container-runtime-endpoint=unix:///run/containerd/containerd.sock"]),
        }),
        install: Ok(InstallPreview { install: BTreeMap::from(install), ..InstallPreview::default() }),
        target_diff: None,
        extras: BTreeMap::new(),
        images: Ok(images()),
        mounts: BTreeMap::new(),
        infiniband: vec![],
        dpkg_audit: Ok(vec![]),
        unseen: BTreeMap::new(),
    }
}

/// Nothing is needed, and there is room.
pub fn images() -> ImagesState {
    let filesystem = ImageFilesystem {
        used_percent: 30,
        high_threshold_percent: 85,
        low_threshold_percent: 80,
        available_bytes: 700 << 30,
        capacity_bytes: 1000 << 30,
    };
    ImagesState { needed: vec![], filesystem: Ok(filesystem), unseen: vec![] }
}

pub fn pod(namespace: &str, pod: &str, node: &str, owner: &str) -> PodView {
    PodView {
        namespace: namespace.into(),
        name: pod.into(),
        node: Some(name(node)),
        labels: BTreeMap::from([("app".into(), pod.split('-').next().unwrap_or(pod).into())]),
        phase: "Running".into(),
        ready: true,
        owner: (!owner.is_empty()).then(|| owner.into()),
        ..PodView::default()
    }
}

/// A budget for the pods with this `app` label.
pub fn budget(
    namespace: &str,
    app: &str,
    allowed: i32,
    healthy: i32,
    desired: i32,
    expected: i32,
) -> BudgetView {
    BudgetView {
        namespace: namespace.into(),
        name: app.into(),
        selector: Selector { labels: BTreeMap::from([("app".into(), app.into())]), ..Selector::default() },
        disruptions_allowed: allowed,
        current_healthy: healthy,
        desired_healthy: desired,
        expected_pods: expected,
        observed: true,
        unhealthy_policy: "IfHealthyBudget".into(),
        sync_failed: None,
    }
}

pub fn certificate(fingerprint: &str) -> Certificate {
    Certificate {
        subject: "CN=runai.example".into(),
        names: vec!["runai.example".into()],
        fingerprint: fingerprint.into(),
        not_after: far(),
        issuer: "CN=Example CA".into(),
        not_before: None,
        chain: vec![],
    }
}

pub fn cluster_survey() -> ClusterSurvey {
    let server = |component: &str, node: &str| PodView {
        mirror: true,
        owner: Some(format!("Node/{node}")),
        ..pod("kube-system", &format!("{component}-{node}"), node, "")
    };
    let servers = ["runai-01", "runai-02", "runai-03"];
    let mut pods: Vec<PodView> = servers
        .iter()
        .flat_map(|n| ["kube-apiserver", "kube-controller-manager", "kube-scheduler"].map(|c| server(c, n)))
        .collect();
    for node in ["dgx030", "dgx031"] {
        pods.push(pod("runai", &format!("train-{node}"), node, "StatefulSet/train"));
    }
    ClusterSurvey {
        core_dns: Ok(None),
        rights: Ok(vec![]),
        pods: Ok(pods),
        budgets: Ok(vec![budget("runai", "train", 1, 2, 1, 2)]),
        load_balancers: Ok(vec![LoadBalancerView {
            namespace: "ingress".into(),
            name: "nginx".into(),
            addresses: vec!["10.77.0.90".into()],
            assigned_by: Some("metallb".into()),
            requested: None,
            ports: vec![443],
        }]),
        ingresses: Ok(vec![]),
        kubelet_config: Ok(KUBELET_CONFIG.into()),
        kube_proxy_config: Ok(Some(
            "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n".into(),
        )),
        deprecated: (0..endpoints().len())
            .map(|i| (format!("10.77.0.1{}:6443", i + 1), Ok(vec![])))
            .collect(),
        stored: Ok(vec![]),
        tigera: Ok(vec![TigeraStatus {
            name: "calico".into(),
            available: true,
            degraded: false,
            progressing: false,
            message: String::new(),
        }]),
        tigera_operator: Ok(Some(TigeraOperator { beside_manifests: false })),
        runtime_classes: Ok(vec!["nvidia".into()]),
        applications: Ok(Some(vec![BcmApplication { name: "calico".into(), enabled: true }])),
        hardware: Ok(BTreeMap::from([(name("dgx030"), hardware())])),
        served: vec![],
        gangs: vec![],
        controllers: Ok(vec![]),
        calico: Ok(Default::default()),
    }
}

pub fn hardware() -> Hardware {
    Hardware { allocatable: BTreeMap::from([("nvidia.com/gpu".into(), "8".into())]), labels: BTreeMap::new() }
}

pub fn node_surveys<'a>(all: impl Iterator<Item = (&'a str, bool)>) -> BTreeMap<NodeName, Seen<NodeSurvey>> {
    all.map(|(n, control_plane)| (name(n), Ok(node_survey(control_plane)))).collect()
}
