//! Hashes of the facts that a plan depends on, part by part, so that a refusal can name the part that has changed.

use crate::goals::PlanInput;
use crate::program::{Approve, PlanOptions, hash_of as of};
use podlift_model::Digest;
use std::collections::BTreeMap;

/// Only facts that decide the plan. Free space, running ops and similar facts change all the time.
pub(in crate::goals) fn fingerprints(input: &PlanInput) -> BTreeMap<String, Digest> {
    let mut out = BTreeMap::new();
    for node in &input.inventory.nodes {
        let facts = node.facts.as_ref();
        let stable = (
            node.role,
            (node.view.kubelet, node.view.unschedulable),
            facts.map(|f| (&f.packages, f.kubeadm, f.kubelet, f.apt_minor, &f.patches)),
            facts.map(|f| {
                (f.manifests.iter().map(|m| (m.component, &m.sha256)).collect::<Vec<_>>(), &f.etcd_endpoints)
            }),
        );
        out.insert(format!("node {}", node.name), of(&stable));
    }
    let config = input.kubeadm_config.as_ref().map(|c| &c.cluster_configuration);
    out.insert("kubeadm-config".into(), of(&config));
    out.insert("target".into(), of(&input.to));
    // The approvals and the operator of a waiver do not change what the run does.
    let options = PlanOptions { approve: Approve::All, ..input.options.clone() };
    let waivers: Vec<_> = input.waivers.iter().map(|w| (&w.check, &w.reason)).collect();
    out.insert("options".into(), of(&(options, waivers, &input.nodes)));
    out.insert("packages".into(), of(&input.offers));
    out.insert("addons".into(), of(&input.addons));
    if let Some(text) = input.cluster_survey.as_ref().ok().and_then(|c| c.kubelet_config.as_ref().ok()) {
        out.insert("kubelet-config".into(), of(text));
    }
    if let Some(dns) = input.cluster_survey.as_ref().ok().and_then(|c| c.core_dns.as_ref().ok()?.as_ref()) {
        out.insert("coredns".into(), of(dns));
    }
    for (node, survey) in input.surveys.iter().filter_map(|(n, s)| Some((n, s.as_ref().ok()?))) {
        let diff = survey.target_diff.as_ref().and_then(|d| d.as_ref().ok());
        let kubelet = survey.kubelet.as_ref().ok();
        out.insert(format!("configuration of {node}"), of(&(kubelet, diff, &survey.extras)));
        if let Some(Ok(etcd)) = &survey.etcd {
            out.insert(format!("etcd of {node}"), of(etcd));
        }
    }
    out
}
