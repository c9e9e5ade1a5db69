//! Paths within a node. Every path is absolute within the node; the real ports put `--root` in front. Paths in the argv of a command are
//! paths within the node too.

use podlift_model::op::Component;
use podlift_model::{KubeVersion, OpId, RunId};
use std::path::{Path, PathBuf};

pub const STATE: &str = "/var/lib/podlift";
pub const LEDGER: &str = "/var/lib/podlift/ledger";
pub const MACHINE_ID: &str = "/etc/machine-id";
pub const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
pub const CONFIG: &str = "/etc/podlift/agent.toml";
/// Where the kubelet lists the devices that it has allocated to pods.
pub const POD_RESOURCES: &str = "/var/lib/kubelet/pod-resources/kubelet.sock";
/// Drivers of character devices that the kernel has loaded.
pub const PROC_DEVICES: &str = "/proc/devices";
/// InfiniBand devices of the node.
pub const INFINIBAND: &str = "/sys/class/infiniband";
/// The folder that the kubelet reads; it must never contain anything but manifests.
pub const MANIFESTS: &str = "/etc/kubernetes/manifests";
/// kubeadm's own scratch folder: on the filesystem of the manifests, and not read by the kubelet.
pub const SCRATCH: &str = "/etc/kubernetes/tmp";
pub const KUBELET_CONFIG: &str = "/var/lib/kubelet/config.yaml";
pub const APT_SOURCE: &str = "/etc/apt/sources.list.d/kubernetes.list";
/// The private apt root, with its own sources, lists and cache, so that a look changes nothing.
pub const APT_PROBE: &str = "/var/lib/podlift/apt-probe";
/// apt's configuration in that root.
pub const APT_PROBE_CONFIG: &str = "/var/lib/podlift/apt-probe/apt.conf";
/// Packages that were downloaded to be inspected.
pub const APT_PROBE_DEBS: &str = "/var/lib/podlift/apt-probe/debs";
/// The target's kubeadm, unpacked but not installed.
pub const UNPACKED: &str = "/var/lib/podlift/apt-probe/unpacked";
pub const UNPACKED_KUBEADM: &str = "/var/lib/podlift/apt-probe/unpacked/usr/bin/kubeadm";
/// Packages that apt downloaded and has not deleted.
pub const APT_ARCHIVES: &str = "/var/cache/apt/archives";
pub const DPKG_STATUS: &str = "/var/lib/dpkg/status";
pub const BACKUP: &str = "/var/lib/podlift/backup";
pub const HEAL: &str = "/var/lib/podlift/heal";

/// The table with which the API server steps aside, as `nft` reads it.
pub const STEP_ASIDE: &str = "/var/lib/podlift/step-aside.nft";

/// The kubeadm patches of this node.
pub const PATCHES: &str = "/var/lib/podlift/patches";

fn of_op(op: &OpId, suffix: &str) -> PathBuf {
    Path::new(STATE).join("ops").join(format!("{op}.{suffix}"))
}
/// The output of the op's tools.
pub fn op_log(op: &OpId) -> PathBuf {
    of_op(op, "log")
}
/// The record of how the op's unit ended.
pub fn op_exit(op: &OpId) -> PathBuf {
    of_op(op, "exit")
}
/// What an op has to remember until it ends: what it has to restore, or what of it is done.
pub fn op_memo(op: &OpId) -> PathBuf {
    of_op(op, "memo")
}

pub fn manifest(component: Component) -> PathBuf {
    Path::new(MANIFESTS).join(component.file())
}
/// The target's images, as its kubeadm listed them: the registry, then one image a line.
pub fn image_list(to: KubeVersion) -> PathBuf {
    Path::new(APT_PROBE).join(format!("images-{to}.txt"))
}
pub fn backup(run: &RunId) -> PathBuf {
    Path::new(BACKUP).join(run.as_str())
}
/// A file of the heal's own memory.
pub fn heal(name: &str) -> PathBuf {
    Path::new(HEAL).join(name)
}
