//! What the target's kubeadm can do.

use podlift_model::KubeVersion;

/// `upgrade apply` has phases and `--skip-phases` from kubeadm 1.32 on (kubernetes/kubeadm#1318). Without them addons and the kubelet's
/// configuration go with apply and node.
pub(crate) fn has_phases(to: KubeVersion) -> bool {
    (to.major, to.minor) >= (1, 32)
}
