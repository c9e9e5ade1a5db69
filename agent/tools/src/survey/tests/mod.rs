//! A survey of a node that is a tree on the disk with scripted commands: its results, what it leaves behind, and that a failed part does
//! not affect another.

mod parts;
mod tree;

use super::{Site, Surveyed};
use podlift_host::testing::Fakes;
use podlift_host::{CommandError, Host, Invocation, Output, real};
use podlift_model::FlagSet;
use podlift_model::survey::{Automation, NodeSurvey, OtherManifest};
use tokio::sync::Mutex;
use tree::Tree;

/// A node in memory for single parts.
pub struct Bench {
    pub fakes: Fakes,
    apt_root: Mutex<()>,
    control_plane: bool,
}

impl Bench {
    pub fn new(answer: impl Fn(&Invocation) -> Result<Output, CommandError> + Send + Sync + 'static) -> Self {
        Self { fakes: Fakes::new(answer), apt_root: Mutex::default(), control_plane: false }
    }
    pub fn control_plane(self) -> Self {
        Self { fakes: self.fakes.control_plane(), control_plane: true, ..self }
    }
    pub fn put(self, path: &str, text: &str) -> Self {
        self.fakes.files.put(path, text.as_bytes());
        self
    }
    pub(super) fn site(&self) -> Site<'_> {
        let (host, apt_root, control_plane) = (&self.fakes.host, &self.apt_root, self.control_plane);
        let node = Surveyed { host, apt_root, control_plane, free_bytes: 1 };
        Site { node, host: host.clone(), control_plane }
    }
}

struct Node {
    host: Host,
    apt_root: Mutex<()>,
}

fn node(tree: &Tree) -> Node {
    // The agent keeps its state there.
    std::fs::create_dir_all(tree.path("/var/lib/podlift")).unwrap();
    Node { host: real::host(tree.root(), &[tree.bin()]).unwrap(), apt_root: Mutex::default() }
}

async fn survey(node: &Node) -> NodeSurvey {
    // The disk of the test machine may be nearly full.
    let node = Surveyed { host: &node.host, apt_root: &node.apt_root, control_plane: false, free_bytes: 1 };
    super::survey(node, "v1.32.13".parse().unwrap()).await
}

#[tokio::test]
async fn a_control_plane_node_is_told_whole_and_left_as_it_was() {
    let tree = Tree::control_plane();
    let node = node(&tree);
    let before = tree.everything();
    let seen = survey(&node).await;
    let after = tree.everything();
    let changed: Vec<_> = after.iter().filter(|(p, f)| before.get(*p) != Some(*f)).map(|(p, _)| p).collect();
    let gone: Vec<_> = before.keys().filter(|p| !after.contains_key(*p)).collect();
    assert!(changed.is_empty() && gone.is_empty(), "changed: {changed:?}, gone: {gone:?}");
    assert!(before.len() > 30, "only {} files were compared", before.len());
    assert!(!tree.path("/var/lib/podlift/apt-probe/unpacked").exists(), "the unpacked kubeadm is taken away");

    assert_eq!(seen.unseen.iter().collect::<Vec<_>>(), []);
    target(&seen);
    node_itself(&seen);
    kubernetes(&seen);
}

fn target(seen: &NodeSurvey) {
    let install = seen.install.as_ref().unwrap();
    assert_eq!((install.install["kubelet"].as_str(), install.refused.as_deref()), ("1.32.13-1.1", None));
    assert_eq!((install.install.len(), install.download_bytes, install.offers.len()), (4, 2912, 3));
    let diff = seen.target_diff.as_ref().unwrap().as_ref().unwrap();
    assert_eq!(diff.len(), 1);
    assert_eq!((diff[0].flag.as_str(), diff[0].rendered.as_deref()), ("etcd-servers", Some("")));
    let images = seen.images.as_ref().unwrap();
    let needed: Vec<_> = images.needed.iter().map(|i| (i.image.as_str(), i.present)).collect();
    let (server, pause) = ("registry.k8s.io/kube-apiserver:v1.32.13", "registry.k8s.io/pause:3.10");
    assert_eq!(needed, [(server, true), (pause, false)], "etcd is not this node's");
}

fn node_itself(seen: &NodeSurvey) {
    assert_eq!(seen.automation, Automation { unattended_upgrades: true, needrestart: Some("a".into()) });
    let containerd = seen.containerd.as_ref().unwrap();
    assert_eq!((containerd.version.as_str(), containerd.cdi), ("1.7.12", true));
    assert_eq!(containerd.runtimes, ["nvidia", "runc"]);
    assert_eq!(
        seen.mounts.iter().map(|(p, s)| format!("{p} {s}")).collect::<Vec<_>>(),
        ["/cm/shared master:/cm/shared"]
    );
    assert_eq!(seen.infiniband, ["mlx5_0", "mlx5_1"]);
    assert_eq!(seen.dpkg_audit, Ok(vec!["kubeadm".into(), "kubelet".into()]));
    // One filesystem holds everything, so it is listed once; the machine's init has /usr read-only.
    let disks: Vec<(&str, bool)> = seen.disks.iter().map(|(p, d)| (p.as_str(), d.read_only)).collect();
    assert_eq!(disks, [("/usr", true), ("/var", false)]);
    assert!(seen.disks["/var"].free_bytes > 0 && seen.disks["/var"].free_inodes > 0);
}

fn kubernetes(seen: &NodeSurvey) {
    let kubelet = seen.kubelet.as_ref().unwrap();
    assert_eq!(kubelet.config["maxPods"], 250);
    assert_eq!(kubelet.flags, FlagSet::parse(["--node-ip=10.77.0.11", "--v=2"]));
    assert_eq!(kubelet.origins["v"], "/etc/default/kubelet");
    assert_eq!(kubelet.running, Some(Ok(FlagSet::parse(["--node-ip=10.77.0.99"]))));
    let names = seen.names.as_ref().unwrap().as_ref().unwrap();
    assert_eq!((names.hostname.as_str(), names.kubelet_user.as_deref()), ("runai-01", Some("runai-01")));
    assert_eq!((seen.external_ca, seen.etcd.as_ref()), (Some(true), None));
    let trusts: Vec<(&str, bool)> =
        seen.kubeconfigs.iter().map(|k| (k.path.as_str(), k.trusts.is_ok())).collect();
    assert_eq!(trusts, [("/etc/kubernetes/admin.conf", false), ("/etc/kubernetes/kubelet.conf", false)]);
    assert_eq!(seen.patch_folders, ["/etc/kubernetes/patches"]);
    let foreign: Vec<&str> = seen.foreign_sources.iter().map(|f| f.file.as_str()).collect();
    assert_eq!(foreign, ["/etc/apt/sources.list.d/linked.list", "/etc/apt/sources.list.d/old.list"]);
    let ends: Vec<String> = seen
        .certificates
        .iter()
        .map(|c| format!("{} {} {}{}", c.path, c.subject, c.not_after, if c.ca { " ca" } else { "" }))
        .collect();
    assert_eq!(
        ends,
        [
            "/etc/kubernetes/admin.conf CN=admin 2030-01-02T00:00:00Z",
            "/etc/kubernetes/pki/runaicluster/apiserver.crt CN=kube-apiserver 2027-05-06T00:00:00Z",
            "/etc/kubernetes/pki/runaicluster/ca.crt CN=kubernetes 2036-01-01T00:00:00Z ca",
            "/var/lib/kubelet/pki/kubelet-client-2026-11-01-00-00-00.pem CN=system:node:runai-01 2026-12-01T00:00:00Z",
        ]
    );
    let other =
        |file: &str, pod: &str, stray| OtherManifest { file: file.into(), pod: Some(pod.into()), stray };
    assert_eq!(
        seen.other_manifests,
        [
            other("kube-apiserver.yaml.bak", "kube-system/kube-apiserver", true),
            OtherManifest { file: "notes.txt".into(), pod: None, stray: false },
        ]
    );
    assert_eq!(seen.extras["kube-scheduler"].volumes["kubeconfig"], "/etc/kubernetes/scheduler.conf");
    assert_eq!(seen.extras.len(), 3);
}

#[tokio::test]
async fn a_worker_fetches_nothing_but_lists() {
    let tree = Tree::worker();
    let seen = survey(&node(&tree)).await;
    assert_eq!((seen.external_ca, seen.etcd.as_ref(), seen.kubeconfigs.len()), (None, None, 0));
    assert_eq!(seen.names.unwrap().unwrap().kubelet_user, None);
    assert_eq!((seen.target_diff, seen.images.map(|i| i.needed.len())), (None, Ok(0)));
    assert!(seen.install.is_ok() && seen.kubelet.is_ok() && seen.extras.is_empty());
    assert!(!tree.path("/var/lib/podlift/apt-probe/debs/kubeadm_1.32.13-1.1_amd64.deb").exists());
}

#[tokio::test]
async fn what_fails_fails_alone_and_says_why() {
    let tree = Tree::control_plane();
    for (program, text) in [
        ("dpkg", "echo 'dpkg: error: out of order' >&2; exit 2"),
        ("containerd", "echo no; exit 0"),
        ("systemctl", "echo active"),
        ("apt-config", "[ $# = 1 ] || exit 1"),
        ("dpkg-deb", "echo 'dpkg-deb: error: not a Debian format archive' >&2; exit 2"),
    ] {
        tree.script(program, text);
    }
    tree.write("/var/lib/kubelet/config.yaml", "a: [");
    tree.write("/etc/kubernetes/pki/runaicluster/apiserver.crt", "garbage");
    let seen = survey(&node(&tree)).await;
    let says = |seen: Result<(), String>, words: &str| {
        let why = seen.unwrap_err();
        assert!(why.contains(words), "{why}");
    };
    says(seen.dpkg_audit.map(drop), "out of order");
    says(seen.kubelet.map(drop), "/var/lib/kubelet/config.yaml is no YAML");
    says(seen.target_diff.unwrap().map(drop), "not a Debian format archive");
    says(seen.images.map(drop), "not a Debian format archive");
    let unseen: Vec<&str> = seen.unseen.keys().map(String::as_str).collect();
    assert_eq!(
        unseen,
        ["certificate /etc/kubernetes/pki/runaicluster/apiserver.crt", "containerd", "unattended upgrades"]
    );
    assert_eq!(
        (seen.install.unwrap().install.len(), seen.certificates.len(), seen.infiniband.len()),
        (4, 3, 2)
    );
}

#[tokio::test]
async fn a_repository_that_does_not_answer_is_no_refusal_and_apts_refusal_is_one() {
    let tree = Tree::control_plane();
    tree.script(
        "apt-get",
        "echo 'W: Failed to fetch http://mirror/InRelease  Could not resolve mirror'; exit 0",
    );
    let away = survey(&node(&tree)).await;
    assert!(away.install.unwrap_err().contains("the package repository could not be read"));
    assert!(away.target_diff.unwrap().is_err() && away.kubelet.is_ok());

    let tree = Tree::control_plane();
    let refused = include_str!("../../../../../tests/fixtures/apt/simulated-refused.txt");
    tree.refuse(refused);
    let refused = survey(&node(&tree)).await.install.unwrap().refused.unwrap();
    assert!(refused.contains("kubelet : Depends: nosuch but it is not installable"), "{refused}");
}

#[tokio::test]
async fn another_kubeadm_in_the_package_is_not_asked() {
    let tree = Tree::control_plane();
    tree.script("dpkg-deb", "mkdir -p $ROOT$3/usr/bin; printf '#!/bin/sh\\necho v1.31.0\\n' > $ROOT$3/usr/bin/kubeadm; chmod 755 $ROOT$3/usr/bin/kubeadm");
    let why = survey(&node(&tree)).await.target_diff.unwrap().unwrap_err();
    assert!(why.contains("calls itself v1.31.0"), "{why}");
    assert!(!tree.path("/var/lib/podlift/apt-probe/unpacked").exists());
}
