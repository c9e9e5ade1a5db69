//! Names of the fingerprints that come from surveys. A survey may be late or fail in part, so these are no part of a program's hash; they
//! are compared where both programs have them.

pub const KUBELET_CONFIG: &str = "kubelet-config";
pub const COREDNS: &str = "coredns";
pub const KUBELET_OF: &str = "configuration of ";
pub const DIFF_OF: &str = "kubeadm's changes on ";
pub const ETCD_OF: &str = "etcd of ";

/// Whether the fingerprint of this name comes from a survey.
pub fn is_one(name: &str) -> bool {
    matches!(name, KUBELET_CONFIG | COREDNS)
        || [KUBELET_OF, DIFF_OF, ETCD_OF].iter().any(|prefix| name.starts_with(prefix))
}
