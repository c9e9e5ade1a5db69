//! Problems of nodes: names, folders, flags of the running kubelet, trust, and what the heal has not learned.

use super::cases::{Change, cluster, dgx, flag, node};
use crate::goals::PlanInput;
use crate::survey::{CoreDnsView, MissingRight};
use crate::testing::name;
use jiff::Timestamp;
use podlift_model::facts::{EtcdState, ManifestFacts, NodeFacts};
use podlift_model::heal::{HealExpectations, HealFacts, HealFile, HealMode, HealUnlearned};
use podlift_model::images::{ImageRole, NeededImage, Pullable};
use podlift_model::op::Component;
use podlift_model::survey::{CertificateFacts, ForeignSource, KubeconfigTrust, NodeNames, OtherManifest};
use podlift_model::{Digest, FlagSet};

fn names(i: &mut PlanInput, hostname: &str, overridden: Option<&str>, user: &str) {
    let (overridden, kubelet_user) = (overridden.map(String::from), Some(user.into()));
    dgx(i).names = Some(Ok(NodeNames { hostname: hostname.into(), overridden, kubelet_user }));
}

fn coredns(i: &mut PlanInput, tag: &str, plugin: &str) {
    let corefile = format!(
        ".:53 {{\n    errors\n    {plugin}\n    health {{\n       lameduck 5s\n    }}\n    kubernetes cluster.local {{\n        pods insecure\n    }}\n    hosts /etc/{{x}} # grpc\n    forward . /etc/resolv.conf\n}}\n"
    );
    let image = format!("mirror.site.example:5000/coredns/coredns{tag}");
    cluster(i).core_dns = Ok(Some(CoreDnsView { image, corefile }));
}

fn kubelet_runs(i: &mut PlanInput, running: &[&str], files: &[&str]) {
    let kubelet = dgx(i).kubelet.as_mut().unwrap();
    kubelet.running = Some(Ok(FlagSet::parse(running.iter().copied())));
    kubelet.flags = FlagSet::parse(files.iter().copied());
}

fn static_pods(i: &mut PlanInput, on: &str, path: &str) {
    node(i, on).kubelet.as_mut().unwrap().config["staticPodPath"] = path.into();
    let text =
        format!("{}staticPodPath: /etc/kubernetes/manifests\n", crate::testing::survey::KUBELET_CONFIG);
    cluster(i).kubelet_config = Ok(text);
    // The other nodes match the ConfigMap, so that nothing else differs.
    for (_, survey) in i.surveys.iter_mut().filter(|(n, _)| n.as_str() != on) {
        let kubelet = survey.as_mut().unwrap().kubelet.as_mut().unwrap();
        kubelet.config["staticPodPath"] = "/etc/kubernetes/manifests".into();
    }
}

/// runai-02 lacks an image of the target.
fn image(i: &mut PlanInput, pull: Pullable) {
    let image = "registry.k8s.io/kube-apiserver:v1.32.9".to_string();
    let role = ImageRole::KubeApiserver;
    let needed = NeededImage { image, role, present: false, pinned: false, pull: Some(pull) };
    node(i, "runai-02").images.as_mut().unwrap().needed = vec![needed];
}

fn image_disk(i: &mut PlanInput, used_percent: u8) {
    let images = node(i, "runai-02").images.as_mut().unwrap();
    images.filesystem.as_mut().unwrap().used_percent = used_percent;
}

fn right() -> MissingRight {
    let [verb, resource, needed_for] = ["create", "pods/eviction", "drain"].map(String::from);
    let (group, useful) = (String::new(), false);
    MissingRight { verb, group, resource, namespace: None, name: None, path: None, needed_for, useful }
}

/// One etcd member has a database of this size, and runai-02 has 3 GiB free below /var.
fn database(i: &mut PlanInput, bytes: u64) {
    node(i, "runai-02").disks.get_mut("/var").unwrap().free_bytes = 3 << 30;
    for state in i.etcd.values_mut().flatten() {
        state.members[0].db_size_bytes = Some(bytes);
    }
}

fn facts(i: &mut PlanInput) -> &mut NodeFacts {
    i.inventory.nodes[5].facts.as_mut().unwrap()
}

/// Sets the heal of runai-02, at second 10,000.
fn learns(i: &mut PlanInput, unlearned: Option<i64>, forbidden: Option<&str>) {
    let at = |s| Timestamp::from_second(s).unwrap();
    i.now = at(10_000);
    let expectations = HealExpectations {
        etcd_servers: crate::testing::endpoints(),
        etcd_cluster: None,
        other_etcd: None,
        etcd_overrides: None,
        etcd_prefix: None,
        forbidden: forbidden.map(String::from),
        learned_from: Digest::of("x"),
        at: at(0),
    };
    let file = HealFile {
        component: Component::KubeScheduler,
        file: "kube-scheduler.yaml".into(),
        sha256: None,
        budget: 6,
        budget_left: 6,
        fight: None,
        last: None,
        opaque: None,
        unlearned: unlearned
            .map(|since| HealUnlearned { since: at(since), why: "crictl can't be run".into() }),
        good: vec![],
    };
    facts(i).heal = Some(Box::new(HealFacts {
        mode: HealMode::Enforce,
        guard: None,
        watching: true,
        expectations: Some(expectations),
        findings: vec![],
        files: vec![file],
    }));
}

fn opaque(i: &mut PlanInput, what: Option<&str>) {
    let manifest: &mut ManifestFacts = &mut facts(i).manifests[0];
    if let Some(what) = what {
        (manifest.opaque, manifest.flags) = (Some(what.into()), FlagSet::default());
    }
}

fn ca(i: &mut PlanInput, days: &[i64]) {
    let not_after = |d: &i64| Timestamp::from_second(d * 86_400 + 1).unwrap();
    let each = days.iter().enumerate().map(|(index, days)| CertificateFacts {
        path: "/etc/kubernetes/pki/ca.crt".into(),
        subject: "CN=kubernetes".into(),
        not_after: not_after(days),
        ca: true,
        index: index as u32,
    });
    node(i, "runai-02").certificates = each.collect();
}

fn leaf(i: &mut PlanInput, external: Option<bool>, renewal: bool) {
    ca(i, &[10]);
    let survey = node(i, "runai-02");
    (survey.certificates[0].ca, survey.external_ca) = (false, external);
    survey.certificates[0].path = "/etc/kubernetes/pki/apiserver.crt".into();
    facts(i).certificate_renewal = renewal;
}

fn store(i: &mut PlanInput, events: Result<bool, &str>) {
    let seen = i.etcd.get_mut(&name("runai-03")).unwrap().as_mut().unwrap();
    let other = |healthy: bool| {
        let mut other: EtcdState = seen.clone();
        other.members[0].healthy = healthy;
        other
    };
    let events = events.map(other).map_err(String::from);
    seen.overrides.insert("/events".into(), events);
}

fn static_pod(i: &mut PlanInput, files: &[&str]) {
    let pod = |file: &&str| OtherManifest {
        file: file.to_string(),
        pod: Some("kube-system/etcd".into()),
        stray: false,
    };
    node(i, "runai-02").other_manifests = files.iter().map(pod).collect();
}

fn only_live(i: &mut PlanInput, on: &[usize], name: &str, value: &str) {
    for at in on {
        let manifest = &mut i.inventory.nodes[*at].facts.as_mut().unwrap().manifests[0];
        manifest.flags.0.insert(name.into(), vec![value.into()]);
    }
}

fn kubeconfig(i: &mut PlanInput, trusts: bool) {
    let path = "/etc/kubernetes/scheduler.conf".into();
    node(i, "runai-02").kubeconfigs = vec![KubeconfigTrust { path, trusts: Ok(trusts) }];
}

/// The problem, the id of its check, a text of the finding, and a near miss.
pub const CASES: &[(&str, Change, &str, Change)] = &[
    (
        "node-hostname",
        |i| names(i, "d30", Some("dgx030"), "dgx030"),
        "the hostname is d30, and the Node is dgx030 by --hostname-override",
        |i| names(i, "DGX030\n", Some("dgx030"), "dgx030"),
    ),
    (
        "node-names",
        |i| names(i, "dgx030.site.example", None, "dgx030"),
        "the hostname is dgx030.site.example, and the Node is dgx030",
        |i| names(i, "dgx030", None, "dgx030"),
    ),
    (
        "node-names",
        |i| names(i, "dgx030", None, "dgx031"),
        "kubelet.conf is of system:node:dgx031, and the Node is dgx030",
        |i| dgx(i).names = None,
    ),
    (
        "node-names",
        |i| names(i, "dgx030", Some("dgx030.site.example"), "dgx030"),
        "--hostname-override=dgx030.site.example, and the Node is dgx030",
        |i| names(i, "dgx030", Some("dgx030"), "dgx030"),
    ),
    (
        "coredns-migration",
        |i| coredns(i, ":v1.11.3-site2", "loop"),
        "[ERROR CoreDNSMigration], because its tag v1.11.3-site2",
        |i| coredns(i, ":v1.11.3", "loop"),
    ),
    (
        "coredns-migration",
        |i| coredns(i, "@sha256:aa", "loop"),
        "has no tag that tells a version",
        |i| coredns(i, ":1.11.3@sha256:aa", "loop"),
    ),
    (
        "coredns-migration",
        |i| coredns(i, ":v1.12.0", "loop"),
        "newer than 1.11.3, which v1.32.9 brings",
        |i| coredns(i, ":v1.11.1", "loop"),
    ),
    (
        "coredns-migration",
        |i| coredns(i, ":v1.11.3", "template ANY ANY"),
        "--ignore-preflight-errors=CoreDNSUnsupportedPlugins",
        |i| coredns(i, ":v1.11.3", "rewrite name a b"),
    ),
    (
        "kubelet-flags",
        |i| kubelet_runs(i, &["--node-ip=10.77.0.31", "--v=2"], &["--v=2"]),
        "--node-ip=10.77.0.31 would vanish",
        |i| kubelet_runs(i, &["--v", "2"], &["--v=2", "--max-pods=9"]),
    ),
    (
        "kubelet-flags",
        |i| kubelet_runs(i, &["--node-ip=10.77.0.31,fd00::31"], &["--node-ip=fd00::31,10.77.0.31"]),
        "would change from 10.77.0.31,fd00::31",
        |i| kubelet_runs(i, &["--node-labels=a=1,b=2"], &["--node_labels=b=2,a=1"]),
    ),
    (
        "static-pod-path",
        |i| {
            static_pods(i, "runai-02", "/etc/kubernetes/manifests");
            node(i, "runai-02").kubelet.as_mut().unwrap().flags =
                FlagSet::parse(["--pod-manifest-path=/etc/kubelet.d"]);
        },
        "the kubelet reads /etc/kubelet.d (--pod-manifest-path), and kubeadm writes /etc/kubernetes/manifests",
        |i| {
            static_pods(i, "runai-02", "/etc/kubernetes/manifests");
            dgx(i).kubelet.as_mut().unwrap().flags = FlagSet::parse(["--pod-manifest-path=/etc/kubelet.d"]);
        },
    ),
    (
        "heal-learned",
        |i| learns(i, Some(9_399), None),
        "has learned nothing of kube-scheduler.yaml for 10 minutes: crictl can't be run",
        |i| learns(i, Some(9_400), None),
    ),
    (
        "heal-learned",
        |i| {
            learns(i, None, None);
            facts(i).heal.as_mut().unwrap().expectations = None;
            let mut probe = i.probes[0].clone();
            probe.endpoint = facts(i).advertise.clone().unwrap();
            i.probes.push(probe);
        },
        "has learned nothing, though the API server is ready",
        |i| {
            learns(i, None, None);
            facts(i).heal.as_mut().unwrap().expectations = None;
        },
    ),
    (
        "heal-forbidden",
        |i| learns(i, None, Some("etcd cluster 5e0f answers now")),
        "etcd cluster 5e0f answers now",
        |i| {
            learns(i, None, Some("etcd cluster 5e0f answers now"));
            facts(i).heal.as_mut().unwrap().mode = HealMode::Off;
        },
    ),
    (
        "backup-recipients",
        |i| facts(i).recipients.clear(),
        "no recipients for secrets on runai-02",
        |i| i.inventory.nodes[0].facts.as_mut().unwrap().recipients.clear(),
    ),
    (
        "images",
        |i| image(i, Pullable::No("404".into())),
        "is not on the node: 404",
        |i| image(i, Pullable::Yes),
    ),
    ("images", |i| image_disk(i, 85), "is 85 % full", |i| image_disk(i, 84)),
    (
        "rights",
        |i| cluster(i).rights = Ok(vec![right()]),
        "may not create pods/eviction, which is needed for: drain",
        |_| (),
    ),
    ("rights", |i| cluster(i).rights = Err("away".into()), "is not known: away", |_| ()),
    (
        "filesystems",
        |i| database(i, 1 << 30),
        "/var has 3072 MiB free, 4096 MiB needed",
        |i| database(i, 1 << 28),
    ),
    (
        "apt-sources",
        |i| {
            let what = "apt.kubernetes.io is gone since March 2024".into();
            let file = "/etc/apt/sources.list.d/kubernetes-legacy.list".into();
            dgx(i).foreign_sources = vec![ForeignSource { file, what }];
        },
        "kubernetes-legacy.list: apt.kubernetes.io is gone",
        |_| (),
    ),
    (
        "kubeadm-patches",
        |i| node(i, "runai-02").patch_folders = vec!["/etc/kubernetes/patches".into()],
        "/etc/kubernetes/patches has patches for kubeadm",
        |_| (),
    ),
    (
        "ca-trust",
        |i| kubeconfig(i, false),
        "the CA data of /etc/kubernetes/scheduler.conf does not verify",
        |i| kubeconfig(i, true),
    ),
    ("certificates", |i| ca(i, &[-1]), "it is a CA: nothing renews it", |i| ca(i, &[-1, 3000])),
    ("certificates", |i| ca(i, &[-2, -1]), "expired on", |i| ca(i, &[3000, -1])),
    (
        "certificates",
        |i| leaf(i, Some(true), true),
        "external CA: kubeadm renews nothing; renew it by your own tool before 1970-01-11",
        |i| {
            leaf(i, Some(true), true);
            node(i, "runai-02").certificates[0].not_after = Timestamp::from_second(31 * 86_400).unwrap();
        },
    ),
    (
        "certificates",
        |i| leaf(i, Some(false), false),
        "renewal is switched off on this node",
        |i| facts(i).certificate_renewal = false,
    ),
    (
        "etcd",
        |i| store(i, Err("connection refused")),
        "store of /events: it can't be asked: connection refused",
        |i| store(i, Ok(true)),
    ),
    ("etcd", |i| store(i, Ok(false)), "store of /events: member runai-01", |i| store(i, Ok(true))),
    (
        "stray-manifests",
        |i| static_pod(i, &["etcd.yaml", "etcd.yaml.mcdorig"]),
        "etcd.yaml.mcdorig is a second file of kube-system/etcd",
        |i| static_pod(i, &["etcd.yaml"]),
    ),
    (
        "manifests",
        |i| opaque(i, Some("opaque: sh -c")),
        "the flags of /etc/kubernetes/manifests/kube-apiserver.yaml can't be known (opaque: sh -c)",
        |i| opaque(i, None),
    ),
    (
        "etcd-store",
        |i| only_live(i, &[4, 5, 6], "etcd-prefix", "/site/prod"),
        "--etcd-prefix would vanish (now /site/prod) on runai-01 runai-02 runai-03",
        |i| flag(i, Component::KubeApiserver, "etcd-prefix", "/site/prod"),
    ),
    (
        "etcd-store",
        |i| only_live(i, &[5], "etcd-servers-overrides", "/events#https://10.77.0.15:2379"),
        "the API servers would start on another store",
        |i| flag(i, Component::KubeApiserver, "etcd-servers-overrides", "/events#https://10.77.0.15:2379"),
    ),
    ("survey", |i| cluster(i).core_dns = Err("forbidden".into()), "CoreDNS can't be seen: forbidden", |_| ()),
    (
        "survey",
        |i| dgx(i).names = Some(Err("kubelet.conf can't be read".into())),
        "the node's names can't be seen",
        |_| (),
    ),
    (
        "survey",
        |i| dgx(i).kubelet.as_mut().unwrap().running = Some(Err("no kubelet runs".into())),
        "the running kubelet's flags can't be seen",
        |_| (),
    ),
];
