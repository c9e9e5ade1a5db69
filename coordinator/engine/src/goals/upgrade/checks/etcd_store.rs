//! The flags that lead the API servers to their data (`--etcd-prefix`, `--etcd-servers-overrides`). If one is removed, added or changed,
//! the API servers start as if the cluster were empty, and controllers act on that. No waiver sets this aside.

use super::View;
use crate::program::{Finding, Severity, finding};

pub const ID: &str = "etcd-store";

pub fn check(view: &View) -> Vec<Finding> {
    let next = "kubectl -n kube-system edit cm kubeadm-config";
    let lost = view.cause.store.iter();
    lost.map(|what| finding(ID, Severity::Blocker, None, what.clone(), next)).collect()
}
