//! kubeadm 1.32 deploys CoreDNS and kube-proxy even if their ConfigMap is absent. The run skips such an addon, and this check reports it.

use super::View;
use crate::analysis::kubeadm::has_phases;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let to = view.input.to;
    let view = match &view.input.addons {
        Ok(view) => view,
        Err(why) => {
            let evidence = format!("the addons' ConfigMaps can't be read: {why}");
            return vec![finding(
                "addons",
                Severity::Blocker,
                None,
                evidence,
                "kubectl -n kube-system get cm kube-proxy coredns",
            )];
        }
    };
    let whole = (!has_phases(to)).then(|| {
        let evidence = format!("kubeadm of {} has no --skip-phases for upgrade apply: CoreDNS, kube-proxy and the kubelet's configuration go with kubeadm itself, not in phases of their own", to.minor());
        finding("addons", Severity::Note, None, evidence, "")
    });
    let absent =
        [("kube-proxy", view.kube_proxy), ("coredns", view.coredns)].into_iter().filter(|(_, there)| !there);
    let left = absent
        .map(|(name, _)| {
            let evidence = format!("ConfigMap kube-system/{name} is absent: the cluster does not use this addon, and the run will not deploy it");
            finding("addons", Severity::Note, None, evidence, "")
        });
    left.chain(whole).collect()
}
