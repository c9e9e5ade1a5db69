//! Files of a node that kubeadm, the kubelet, containerd and the package system left there.

use super::super::certificates::{Pair, authority, good, kubeconfig};
use super::super::core::World;
use crate::doubles::KUBELET_PID;
use std::path::Path;

/// As `containerd --version` says it on a new node.
pub const CONTAINERD: &str = "1.7.27";
pub const CONTAINERD_CONFIG: &str = "/etc/containerd/config.toml";

/// Of the cluster's pki: file, common name, whether it is a CA.
const PKI: &[(&str, &str, bool)] = &[
    ("ca", "kubernetes", true),
    ("apiserver", "kube-apiserver", false),
    ("apiserver-kubelet-client", "kube-apiserver-kubelet-client", false),
    ("front-proxy-ca", "front-proxy-ca", true),
    ("front-proxy-client", "front-proxy-client", false),
    ("etcd/ca", "etcd-ca", true),
    ("apiserver-etcd-client", "kube-apiserver-etcd-client", false),
    ("etcd-member", "etcd-member", false),
];

/// File in /etc/kubernetes and the user in it.
const KUBECONFIGS: &[(&str, &str)] = &[
    ("admin.conf", "kubernetes-admin"),
    ("super-admin.conf", "kubernetes-super-admin"),
    ("controller-manager.conf", "system:kube-controller-manager"),
    ("scheduler.conf", "system:kube-scheduler"),
];

pub fn containerd_config(cdi: bool) -> String {
    format!(
        "version = 2\n\n[plugins.\"io.containerd.grpc.v1.cri\"]\n  sandbox_image = \"registry.k8s.io/pause:3.8\"\n  enable_cdi = {cdi}\n  cdi_spec_dirs = [\"/etc/cdi\", \"/var/run/cdi\"]\n\n\
         [plugins.\"io.containerd.grpc.v1.cri\".containerd]\n  default_runtime_name = \"runc\"\n\n\
         [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n  runtime_type = \"io.containerd.runc.v2\"\n\n\
         [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.nvidia]\n  runtime_type = \"io.containerd.runc.v2\"\n\n\
         [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.nvidia.options]\n  BinaryName = \"/usr/bin/nvidia-container-runtime\"\n"
    )
}

/// As BCM's package brings it.
const ETCD: &str = "[Unit]\nDescription=etcd\n[Service]\nType=notify\nExecStart=/cm/local/apps/etcd/current/bin/etcd --data-dir /var/lib/etcd --listen-client-urls https://0.0.0.0:2379\nRestart=always\n";

const MOUNTS: &str = "21 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n\
    37 21 0:44 / /home rw,relatime shared:22 - nfs4 master:/home rw,vers=4.2,rsize=1048576\n";

/// Ubuntu's own word on it; nothing is switched on by a comment.
const NEEDRESTART: &str = "$nrconf{verbosity} = 0;\n# restart mode: (l)ist only, (i)nteractive or (a)utomatically.\n#$nrconf{restart} = 'i';\n";
const AUTO_UPGRADES: &str =
    "APT::Periodic::Update-Package-Lists \"0\";\nAPT::Periodic::Unattended-Upgrade \"0\";\n";

pub fn disk(world: &World, node: &str, pki: &str) {
    let control_plane = world.shape.control_planes.iter().any(|n| n == node);
    let put = |path: &str, text: &str, mode: u32| {
        let written = world.disk(node).put_synced(Path::new(path), text.as_bytes(), mode);
        written.unwrap_or_else(|e| panic!("the lab cannot write {path} of {node}: {e}"));
    };
    if !world.shape.machines {
        put("/etc/hostname", &format!("{node}\n"), 0o644);
        habits(&put, control_plane);
        kubelet_service(&put);
    }
    kubelet(&put, node, &world.shape.proxy);
    if control_plane {
        certificates(&put, pki, &world.shape.proxy);
    }
}

type Put<'a> = dyn Fn(&str, &str, u32) + 'a;

/// A machine has its own.
fn habits(put: &Put, control_plane: bool) {
    put(CONTAINERD_CONFIG, &containerd_config(!control_plane), 0o644);
    put("/proc/1/mountinfo", MOUNTS, 0o444);
    put("/etc/apt/apt.conf.d/20auto-upgrades", AUTO_UPGRADES, 0o644);
    put("/usr/sbin/needrestart", "#!/usr/bin/perl\n", 0o755);
    put("/etc/needrestart/needrestart.conf", NEEDRESTART, 0o644);
    if control_plane {
        put("/usr/lib/systemd/system/etcd.service", ETCD, 0o644);
    } else {
        put("/sys/class/infiniband/mlx5_0/node_type", "1: CA\n", 0o444);
    }
}

/// As kubeadm's package brings it.
const DROP_IN: &str = "[Service]\n\
    Environment=\"KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf\"\n\
    Environment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"\n\
    EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\n\
    EnvironmentFile=-/etc/default/kubelet\n\
    ExecStart=\n\
    ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n";
const SERVICE: &str = "[Unit]\nDescription=kubelet: The Kubernetes Node Agent\n[Service]\nExecStart=/usr/bin/kubelet\nRestart=always\n";
/// Flags of the environment file.
const FLAGS: &str = "--container-runtime-endpoint=unix:///run/containerd/containerd.sock --pod-infra-container-image=registry.k8s.io/pause:3.10";

/// Its unit, and the process that was started from it.
fn kubelet_service(put: &Put) {
    put("/usr/lib/systemd/system/kubelet.service", SERVICE, 0o644);
    put("/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", DROP_IN, 0o644);
    put("/var/lib/kubelet/kubeadm-flags.env", &format!("KUBELET_KUBEADM_ARGS=\"{FLAGS}\"\n"), 0o644);
    let started = format!(
        "/usr/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf \
         --config=/var/lib/kubelet/config.yaml {FLAGS} "
    );
    put(&format!("/proc/{KUBELET_PID}/cmdline"), &started.replace(' ', "\0"), 0o444);
}

const CURRENT: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";

/// What it is known by.
fn kubelet(put: &Put, node: &str, proxy: &str) {
    let Pair { certificate, key } = good(&format!("system:node:{node}"), false);
    put(CURRENT, &format!("{certificate}{key}"), 0o600);
    let ca = authority();
    let kubelet = format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {ca}\n    server: https://{proxy}\n  name: kubernetes\ncontexts:\n- context:\n    cluster: kubernetes\n    user: default-auth\n  name: default-auth@kubernetes\n\
         current-context: default-auth@kubernetes\nkind: Config\npreferences: {{}}\nusers:\n- name: default-auth\n  user:\n    client-certificate: {CURRENT}\n    client-key: {CURRENT}\n"
    );
    put("/etc/kubernetes/kubelet.conf", &kubelet, 0o600);
}

fn certificates(put: &Put, pki: &str, proxy: &str) {
    for (file, name, ca) in PKI {
        let Pair { certificate, key } = good(name, *ca);
        put(&format!("{pki}/{file}.crt"), &certificate, 0o644);
        put(&format!("{pki}/{file}.key"), &key, 0o600);
    }
    for (file, user) in KUBECONFIGS {
        let text = kubeconfig(proxy, user, &good(user, false));
        put(&format!("/etc/kubernetes/{file}"), &text, 0o600);
    }
}
