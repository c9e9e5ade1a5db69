//! What leads the API servers to their data (`--etcd-prefix`, `--etcd-servers-overrides`): where it would go, come or change, they would
//! start as if the cluster were empty, and controllers would act on that. No waiver sets this aside.

use super::View;
use crate::program::{Finding, Severity, finding};

pub const ID: &str = "etcd-store";

pub fn check(view: &View) -> Vec<Finding> {
    let next = "kubectl -n kube-system edit cm kubeadm-config";
    let lost = view.cause.store.iter();
    lost.map(|what| finding(ID, Severity::Blocker, None, what.clone(), next)).collect()
}
