//! kubelet: a service that is as large as the real one, so that unpacking it takes a while; a conffile that every minor changes.

use super::program;
use crate::deb::Deb;

/// About half of the real binary: zeros behind the script, which its shell never reads.
const SIZE: usize = 40 << 20;

/// Owned by the kubeadm package.
pub const DROP_IN: &str = "[Service]\n\
    Environment=\"KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf\"\n\
    Environment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"\n\
    EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\n\
    EnvironmentFile=-/etc/default/kubelet\n\
    ExecStart=\n\
    ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n";

const SERVICE: &str = "[Unit]\nDescription=kubelet: The Kubernetes Node Agent\nDocumentation=https://kubernetes.io/docs/\n\
    Wants=network-online.target\nAfter=network-online.target\n\n\
    [Service]\nExecStart=/usr/bin/kubelet\nRestart=always\nStartLimitInterval=0\nRestartSec=10\n\n\
    [Install]\nWantedBy=multi-user.target\n";

pub fn package(minor: u16, version: &str) -> Deb {
    let mut binary = program("kubelet", version).into_bytes();
    binary.resize(SIZE, 0);
    Deb::new("kubelet", version)
        .depends("kubernetes-cni (>= 1.2.0)")
        .file("/usr/bin/kubelet", binary, 0o755)
        .file("/usr/lib/systemd/system/kubelet.service", SERVICE, 0o644)
        .file("/etc/kubernetes/manifests/.kubelet-keep", "", 0o644)
        .conffile("/etc/default/kubelet", &format!("# as of 1.{minor}\nKUBELET_EXTRA_ARGS=\n"))
}
