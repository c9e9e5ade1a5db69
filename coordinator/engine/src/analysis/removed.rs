//! Flags that a minor has removed: their program exits at once with `unknown flag`. The list comes from a comparison of the flags that each
//! minor registers. 1.32 removed none; kube-controller-manager and kube-scheduler lost none from 1.33 to 1.36.

use podlift_model::Minor;

/// Component, flag, first minor without it.
const REMOVED: &[(&str, &str, u16)] = &[
    ("kube-apiserver", "cloud-config", 33),
    ("kube-apiserver", "cloud-provider", 33),
    ("kubelet", "cloud-config", 34),
    ("kubelet", "register-schedulable", 34),
    ("kubelet", "pod-infra-container-image", 35),
    // kubeadm 1.34 brings etcd 3.6.
    ("etcd", "enable-v2", 34),
    ("etcd", "experimental-enable-v2v3", 34),
    ("etcd", "proxy", 34),
];

/// The minor that removed the flag, if the target is that minor or a later one. `flag` is its normalised name.
pub(crate) fn gone(component: &str, flag: &str, to: Minor) -> Option<Minor> {
    let found = REMOVED.iter().find(|(c, f, _)| (*c, *f) == (component, flag))?;
    let minor = Minor { minor: found.2, ..to };
    (minor <= to).then_some(minor)
}
