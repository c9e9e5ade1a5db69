//! The problems, each with a near miss, and functions that make them.

use crate::goals::PlanInput;
use crate::survey::*;
use crate::testing::name;
use crate::testing::survey::{budget, certificate, pod};
use podlift_model::facts::GuardState;
use podlift_model::heal::{HealFacts, HealFinding, HealKind, HealMode};
use podlift_model::op::Component;
use podlift_model::survey::*;
use podlift_model::{FlagSet, OpId};

pub type Change = fn(&mut PlanInput);

const DAY: i64 = 86_400;

pub fn node<'a>(i: &'a mut PlanInput, node: &str) -> &'a mut NodeSurvey {
    i.surveys.get_mut(&name(node)).unwrap().as_mut().unwrap()
}

pub fn dgx(i: &mut PlanInput) -> &mut NodeSurvey {
    node(i, "dgx030")
}

pub fn cluster(i: &mut PlanInput) -> &mut ClusterSurvey {
    i.cluster_survey.as_mut().unwrap()
}

fn pods(i: &mut PlanInput) -> &mut Vec<PodView> {
    cluster(i).pods.as_mut().unwrap()
}

fn disk(i: &mut PlanInput, change: fn(&mut Disk)) {
    change(dgx(i).disks.get_mut("/var/lib/containerd").unwrap());
}

fn cert(i: &mut PlanInput, path: &str, days: i64) {
    let not_after = jiff::Timestamp::from_second(days * DAY + 1).unwrap();
    dgx(i).certificates =
        vec![CertificateFacts { index: 0, path: path.into(), subject: "CN=x".into(), not_after, ca: false }];
}

pub fn extra_pod(i: &mut PlanInput, p: PodView) {
    pods(i).push(p);
}

pub fn web(n: u32) -> PodView {
    pod("a", &format!("web-{n}"), "dgx032", "ReplicaSet/web")
}

pub fn flag(i: &mut PlanInput, component: Component, flag: &str, value: &str) {
    for n in &mut i.inventory.nodes {
        for m in n.facts.iter_mut().flat_map(|f| &mut f.manifests).filter(|m| m.component == component) {
            m.flags.0.insert(flag.into(), vec![value.into()]);
        }
    }
    // Also sets it where kubeadm reads it, so that nothing is lost.
    let config = i.kubeadm_config.as_mut().unwrap();
    let set = crate::kubeadm_config::ConfigRepair::SetArg {
        component,
        name: flag.into(),
        values: vec![value.into()],
    };
    config.cluster_configuration =
        crate::kubeadm_config::repair(&config.cluster_configuration, &[set]).unwrap();
}

pub fn kubelet_gate(i: &mut PlanInput, text: &str) {
    dgx(i).kubelet.as_mut().unwrap().flags = FlagSet::parse([format!("--feature-gates={text}").as_str()]);
}

fn proxy_gate(i: &mut PlanInput, gates: &str) {
    cluster(i).kube_proxy_config = Ok(Some(format!("featureGates:\n  {gates}\n")));
}

fn heal(i: &mut PlanInput, rule: &str, report_only: Option<&str>) {
    let finding = HealFinding {
        file: "kube-apiserver.yaml".into(),
        rule: rule.into(),
        kind: HealKind::Hygiene,
        what: "--audit-log-path is gone".into(),
        report_only: report_only.map(String::from),
    };
    let facts = i.inventory.nodes[5].facts.as_mut().unwrap();
    facts.heal = Some(Box::new(HealFacts {
        mode: HealMode::Enforce,
        guard: None,
        watching: true,
        expectations: None,
        findings: vec![finding],
        files: vec![],
    }));
    facts.guard = GuardState::Steady;
}

fn used(i: &mut PlanInput, removed: &str) {
    let used = DeprecatedUse {
        group: "flowcontrol.apiserver.k8s.io".into(),
        version: "v1beta3".into(),
        resource: "flowschemas".into(),
        removed_release: removed.into(),
    };
    cluster(i).deprecated.insert("10.77.0.11:6443".into(), Ok(vec![used]));
}

fn stored(i: &mut PlanInput, objects: u32) {
    cluster(i).stored =
        Ok(vec![StoredVersion { resource: "flowschemas".into(), version: "v1beta3".into(), objects }]);
}

fn served(i: &mut PlanInput, server_name: &str) {
    let certificate = Ok(Certificate { names: vec!["*.runai.example".into()], ..certificate("aa") });
    cluster(i).served = vec![ServedCertificate {
        address: "10.77.0.90:443".into(),
        server_name: server_name.into(),
        certificate,
        page: None,
    }];
}

fn other(i: &mut PlanInput, pod: Option<&str>, stray: bool) {
    let file = OtherManifest { file: "kube-apiserver.yaml.bak".into(), pod: pod.map(String::from), stray };
    node(i, "runai-02").other_manifests = vec![file];
}

fn containerd(i: &mut PlanInput, version: &str, cdi: bool) {
    dgx(i).containerd = Some(Containerd { version: version.into(), cdi, runtimes: vec![] });
}

/// The second member, as one of the three nodes sees it.
fn member(i: &mut PlanInput, db_size_bytes: Option<u64>, latency_ms: Option<u32>) {
    let member = &mut i.etcd.get_mut(&name("runai-03")).unwrap().as_mut().unwrap().members[1];
    (member.db_size_bytes, member.latency_ms) = (db_size_bytes, latency_ms);
}

/// The problem, the id of its check, a text of the finding, and a near miss.
pub const CASES: &[(&str, Change, &str, Change)] = &[
    (
        "control-plane-pods",
        |i| pods(i)[0].waiting = Some("CrashLoopBackOff".into()),
        "waits: CrashLoopBackOff",
        |i| extra_pod(i, PodView { waiting: Some("CrashLoopBackOff".into()), ready: false, ..web(1) }),
    ),
    (
        "control-plane-pods",
        |i| pods(i)[1].ready = false,
        "is not ready (phase Running)",
        |i| pods(i)[1].restarts = 3,
    ),
    (
        "install",
        |i| dgx(i).install.as_mut().unwrap().refused = Some("E: Held packages".into()),
        "would refuse: E: Held",
        |i| {
            dgx(i)
                .install
                .as_mut()
                .unwrap()
                .install
                .insert("kubernetes-cni".into(), "1.6.0-1.1".into())
                .unwrap_or_default();
        },
    ),
    (
        "install",
        |i| dgx(i).install.as_mut().unwrap().remove = vec!["datacenter-gpu".into()],
        "would remove datacenter-gpu",
        |i| dgx(i).install.as_mut().unwrap().download_bytes = 1 << 20,
    ),
    (
        "install",
        |i| drop(dgx(i).install.as_mut().unwrap().install.remove("kubelet")),
        "would not install kubelet v1.32.9",
        |i| {
            dgx(i).install.as_mut().unwrap().install.remove("kubelet");
            let facts = i.inventory.nodes[0].facts.as_mut().unwrap();
            facts.packages.get_mut("kubelet").unwrap().version = "1.32.9-1.1".parse().ok();
        },
    ),
    (
        "filesystems",
        |i| disk(i, |d| d.free_bytes = 511 << 20),
        "/var/lib/containerd has 511 MiB free, 512 MiB needed",
        |i| disk(i, |d| d.free_bytes = 512 << 20),
    ),
    (
        "filesystems",
        |i| disk(i, |d| d.free_inodes = 19_999),
        "19999 inodes free",
        |i| disk(i, |d| d.free_inodes = 20_000),
    ),
    ("filesystems", |i| disk(i, |d| d.read_only = true), "mounted read-only", |_| ()),
    (
        "certificates",
        |i| cert(i, "/etc/kubernetes/pki/apiserver.crt", 29),
        "kubeadm renews it in the upgrade",
        |i| cert(i, "/etc/kubernetes/pki/apiserver.crt", 30),
    ),
    (
        "certificates",
        |i| cert(i, "/etc/kubernetes/pki/apiserver-etcd-client.crt", -1),
        "kubeadm does not renew it",
        |i| cert(i, "/etc/kubernetes/pki/ca.crt", 300),
    ),
    (
        "stray-manifests",
        |i| other(i, Some("kube-system/kube-apiserver"), true),
        "a second file of kube-system/kube-apiserver",
        |i| other(i, Some("kube-system/haproxy"), false),
    ),
    ("stray-manifests", |i| other(i, None, false), "can't be read as a pod", |_| ()),
    ("unattended-upgrades", |i| dgx(i).automation.unattended_upgrades = true, "may take dpkg's lock", |_| ()),
    (
        "needrestart",
        |i| dgx(i).automation.needrestart = Some("a".into()),
        "restarts services by itself",
        |i| dgx(i).automation.needrestart = Some("l".into()),
    ),
    (
        "agent-versions",
        |i| i.inventory.nodes[2].facts.as_mut().unwrap().agent_version = "0.0.9".into(),
        "is 0.0.9, most others are 0.1.0",
        |i| {
            i.inventory
                .nodes
                .iter_mut()
                .for_each(|n| n.facts.as_mut().unwrap().agent_version = "0.0.9".into())
        },
    ),
    (
        "agent-busy",
        |i| i.inventory.nodes[2].facts.as_mut().unwrap().running = vec![OpId::new("op-1").unwrap()],
        "op-1",
        |_| (),
    ),
    (
        "agent-restarts",
        |i| heal(i, "flag-lost", None),
        "would change kube-apiserver.yaml",
        |i| heal(i, "flag-lost", Some("observe")),
    ),
    (
        "budgets",
        |i| {
            extra_pod(i, web(1));
            cluster(i).budgets = Ok(vec![budget("a", "web", 0, 2, 2, 2)]);
        },
        "the drain would never end",
        |i| {
            extra_pod(i, web(1));
            cluster(i).budgets = Ok(vec![budget("a", "web", 1, 2, 1, 2)]);
        },
    ),
    (
        "bare-pods",
        |i| extra_pod(i, PodView { owner: None, ..web(1) }),
        "a/web-1",
        |i| extra_pod(i, PodView { owner: None, finished: true, ..web(1) }),
    ),
    (
        "never-interrupt",
        |i| extra_pod(i, PodView { never_interrupt: Some("example.org/keep=true".into()), ..web(1) }),
        "a/web-1 (example.org/keep=true)",
        |i| {
            let never_interrupt = Some("example.org/keep=true".into());
            extra_pod(i, PodView { never_interrupt, finished: true, ..web(1) });
        },
    ),
    (
        "containerd-cdi",
        |i| containerd(i, "1.7.1", true),
        "1.7.1 is older than 1.7.2",
        |i| containerd(i, "v1.7.2-k3s1", true),
    ),
    ("containerd-cdi", |i| containerd(i, "1.6.9", true), "1.6.9 is older", |i| containerd(i, "1.6.9", false)),
    ("dpkg", |i| dgx(i).dpkg_audit = Ok(vec!["kubelet".into()]), "has not finished kubelet", |_| ()),
    (
        "gates",
        |i| kubelet_gate(i, "KMSv2=true"),
        "kubelet would die on v1.32.9: unrecognized feature gate: KMSv2",
        |i| kubelet_gate(i, "KMSv1=false"),
    ),
    (
        "gates",
        |i| kubelet_gate(i, "MemoryManager=false"),
        "feature is locked to true",
        |i| kubelet_gate(i, "MemoryManager=true"),
    ),
    (
        "gates",
        |i| kubelet_gate(i, "NobodysGate=true"),
        "do not have this gate",
        |i| kubelet_gate(i, "AllAlpha=false"),
    ),
    (
        "gates",
        |i| proxy_gate(i, "KMSv2: true"),
        "KMSv2=true in ConfigMap kube-system/kube-proxy",
        |i| proxy_gate(i, "AllAlpha: false"),
    ),
    (
        "deprecated-apis",
        |i| used(i, "1.32"),
        "flowcontrol.apiserver.k8s.io/v1beta3 flowschemas (gone in 1.32) was asked for at 10.77.0.11:6443",
        |i| used(i, "1.33"),
    ),
    ("deprecated-apis", |i| used(i, "1.29"), "gone in 1.29", |i| used(i, "")),
    ("stored-versions", |i| stored(i, 3), "3 objects of flowschemas are stored as v1beta3", |i| stored(i, 0)),
    (
        "cloud-provider",
        |i| flag(i, Component::KubeControllerManager, "cloud-provider", "aws"),
        "--cloud-provider=aws",
        |i| flag(i, Component::KubeControllerManager, "cloud-provider", "external"),
    ),
    (
        "runtime-config",
        |i| flag(i, Component::KubeApiserver, "runtime-config", "flowcontrol.apiserver.k8s.io/v1beta3=true"),
        "which v1.32 does not serve",
        |i| {
            flag(
                i,
                Component::KubeApiserver,
                "runtime-config",
                "flowcontrol.apiserver.k8s.io/v1beta3=false,api/all=true",
            )
        },
    ),
    ("tigera", |i| cluster(i).tigera.as_mut().unwrap()[0].degraded = true, "calico is degraded", |_| ()),
    (
        "tigera",
        |i| cluster(i).tigera.as_mut().unwrap()[0].progressing = true,
        "is being changed",
        |i| (cluster(i).tigera, cluster(i).tigera_operator) = (Ok(vec![]), Ok(None)),
    ),
    (
        "load-balancers",
        |i| cluster(i).load_balancers.as_mut().unwrap()[0].addresses.clear(),
        "ingress/nginx has no address",
        |_| (),
    ),
    (
        "served-certificates",
        |i| served(i, "a.b.runai.example"),
        "not one of this name",
        |i| served(i, "a.runai.example"),
    ),
    ("attestations", |i| drop(i.attestations.pop()), "rollback-reviewed", |_| ()),
    (
        "etcd",
        |i| member(i, Some(1639 << 20), None),
        "the database of member runai-02 has 1639 MiB",
        |i| member(i, Some(1638 << 20), None),
    ),
    (
        "etcd",
        |i| member(i, Some(64 << 20), Some(140)),
        "member runai-02 took 140 ms",
        |i| member(i, Some(64 << 20), Some(99)),
    ),
    ("survey", |i| cluster(i).pods = Err("forbidden".into()), "pods can't be seen: forbidden", |_| ()),
    (
        "survey",
        |i| drop(i.surveys.insert(name("dgx031"), Err("timed out".into()))),
        "the node can't be seen: timed out",
        |_| (),
    ),
    (
        "survey",
        |i| drop(i.surveys.remove(&name("dgx031"))),
        "1 node was not surveyed: dgx031",
        |i| {
            i.surveys.remove(&name("dgx031"));
            i.nodes = ["dgx030", "runai-01", "runai-02", "runai-03"].map(name).into();
        },
    ),
];
