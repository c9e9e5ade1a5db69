//! BCM's tools on the head node, one a file. They say rc 0 with an error's text, nothing at all, or COMPLETED for nothing, as the World's
//! switches want it.

pub mod api;
pub mod chroot;
pub mod cmha;
pub mod cmsh;
pub mod kubeadm_manage;
pub mod mounts;
pub mod setup;
mod shell;
pub mod size;

/// The programs of a head node.
pub const TOOLS: &[&str] = &[
    "cmsh",
    "cm-kubernetes-setup",
    "cm-chroot-sw-img",
    "cm-kubeadm-manage",
    "cmha",
    "dpkg-query",
    "systemctl",
    "systemd-run",
    "du",
    "umount",
    "rm",
    "python3",
];
/// What a session in an image can run.
pub const IMAGE_TOOLS: &[&str] = &[
    "apt-get",
    "apt-mark",
    "apt-cache",
    "apt-config",
    "dpkg",
    "dpkg-query",
    "kubeadm",
    "kubelet",
    "systemctl",
    "true",
];
