//! Abilities of the target's kubeadm.

use podlift_model::KubeVersion;

/// Whether `upgrade apply` has phases and `--skip-phases`, which is so from kubeadm 1.32 on (kubernetes/kubeadm#1318). Without them, apply
/// and node also update addons and the kubelet's configuration.
pub(crate) fn has_phases(to: KubeVersion) -> bool {
    (to.major, to.minor) >= (1, 32)
}
