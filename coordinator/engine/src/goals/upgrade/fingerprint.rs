//! Hashes of the facts that a plan depends on, part by part, so that a refusal can name the part that has changed. Only facts that decide
//! the plan: readiness, cordons, free space, running ops and the texts of errors change all the time, and decide nothing.

use crate::goals::PlanInput;
use crate::inventory::{NodeEntry, NodeRole};
use crate::program::{Approve, BcmPlan, LeftOut, PlanOptions, hash_of as of, survey_part};
use podlift_model::Digest;
use std::collections::BTreeMap;

pub(in crate::goals) fn fingerprints(input: &PlanInput, left_out: &[LeftOut]) -> BTreeMap<String, Digest> {
    let nodes = input.inventory.nodes.iter();
    let mut out: BTreeMap<String, Digest> = nodes.map(|n| (format!("node {}", n.name), of_node(n))).collect();
    if let Ok(config) = &input.kubeadm_config {
        out.insert("kubeadm-config".into(), of(&config.cluster_configuration));
    }
    out.insert("target".into(), of(&input.to));
    // The approvals and the operator of a waiver do not change what the run does.
    let options = PlanOptions { approve: Approve::All, ..input.options.clone() };
    let waivers: Vec<_> = input.waivers.iter().map(|w| (&w.check, &w.reason)).collect();
    out.insert("options".into(), of(&(options, waivers, &input.nodes)));
    let by_name: Vec<_> = left_out.iter().filter(|out| !out.unready).map(|out| &out.node).collect();
    if !by_name.is_empty() {
        out.insert("left out".into(), of(&by_name));
    }
    if let Ok(addons) = &input.addons {
        out.insert("addons".into(), of(&(addons.kube_proxy, addons.coredns)));
    }
    surveyed(input, &mut out);
    out
}

/// The nodes that go through software images, and the version for BCM's metadata.
pub(in crate::goals) fn of_bcm(bcm: &BcmPlan) -> Digest {
    // Like labels, categories only say which worker comes when.
    of(&BcmPlan { categories: BTreeMap::new(), ..bcm.clone() })
}

/// Manifests and packages of a control-plane node, and versions of a worker. The steps of a worker follow from its kubelet's version, and
/// all else that they change is looked at when its turn comes. Its agent may be away when the plan is made.
fn of_node(node: &NodeEntry) -> Digest {
    let facts = node.facts.as_ref().filter(|_| node.role == NodeRole::ControlPlane);
    let stable = (
        (node.role, node.view.kubelet),
        facts.map(|f| (&f.packages, f.kubeadm, f.kubelet, f.apt_minor, &f.patches)),
        facts.map(|f| {
            (f.manifests.iter().map(|m| (m.component, &m.sha256)).collect::<Vec<_>>(), &f.etcd_endpoints)
        }),
    );
    of(&stable)
}

/// What surveys have seen. A part that was late is absent, and then it is not compared.
fn surveyed(input: &PlanInput, out: &mut BTreeMap<String, Digest>) {
    let cluster = input.cluster_survey.as_ref().ok();
    if let Some(text) = cluster.and_then(|c| c.kubelet_config.as_ref().ok()) {
        out.insert(survey_part::KUBELET_CONFIG.into(), of(text));
    }
    if let Some(dns) = cluster.and_then(|c| c.core_dns.as_ref().ok()?.as_ref()) {
        out.insert(survey_part::COREDNS.into(), of(dns));
    }
    for (node, survey) in input.surveys.iter().filter_map(|(n, s)| Some((n, s.as_ref().ok()?))) {
        let diff = survey.target_diff.as_ref().and_then(|d| d.as_ref().ok());
        if let Ok(kubelet) = &survey.kubelet {
            let part = format!("{}{node}", survey_part::KUBELET_OF);
            out.insert(part, of(&(&kubelet.config, &kubelet.flags, &survey.extras)));
        }
        if let Some(diff) = diff {
            out.insert(format!("{}{node}", survey_part::DIFF_OF), of(diff));
        }
        if let Some(Ok(etcd)) = &survey.etcd {
            out.insert(format!("{}{node}", survey_part::ETCD_OF), of(etcd));
        }
    }
}
