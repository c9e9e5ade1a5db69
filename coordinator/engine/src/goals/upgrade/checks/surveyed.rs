//! Parts that could not be looked at. The check reports them, and the planner never treats them as absent.

use super::View;
use crate::program::{Finding, Severity, finding, names};
use podlift_model::NodeName;
use std::collections::BTreeMap;

const ID: &str = "survey";

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = nodes(view);
    match &view.input.cluster_survey {
        Err(why) => out.push(unknown("the cluster", why)),
        Ok(seen) => {
            let parts = [
                ("pods", seen.pods.as_ref().err()),
                ("disruption budgets", seen.budgets.as_ref().err()),
                ("LoadBalancer services", seen.load_balancers.as_ref().err()),
                ("ingresses", seen.ingresses.as_ref().err()),
                ("ConfigMap kubelet-config", seen.kubelet_config.as_ref().err()),
                ("ConfigMap kube-proxy", seen.kube_proxy_config.as_ref().err()),
                ("stored versions", seen.stored.as_ref().err()),
                ("Tigera's state", seen.tigera.as_ref().err()),
                ("runtime classes", seen.runtime_classes.as_ref().err()),
                ("BCM's applications", seen.applications.as_ref().err()),
                ("the nodes' hardware", seen.hardware.as_ref().err()),
                ("CoreDNS", seen.core_dns.as_ref().err()),
            ];
            let mut unseen: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (what, why) in parts.into_iter().filter_map(|(what, why)| Some((what, why?))) {
                unseen.entry(why).or_default().push(what);
            }
            out.extend(unseen.into_iter().map(|(why, what)| unknown(&what.join(", "), why)));
            let servers = seen.deprecated.iter().filter_map(|(s, r)| Some((s, r.as_ref().err()?)));
            out.extend(servers.map(|(s, why)| unknown(&format!("use of deprecated APIs at {s}"), why)));
        }
    }
    out
}

fn unknown(what: &str, why: &str) -> Finding {
    let evidence = format!("{what} can't be seen: {why}. What is wrong there is not in this plan");
    finding(ID, Severity::Warning, None, evidence, "journalctl -u podlift-coordinator")
}

fn nodes(view: &View) -> Vec<Finding> {
    let mut out: Vec<Finding> = view
        .input
        .surveys
        .iter()
        .filter(|(node, _)| !view.is_left_out(node))
        .filter_map(|(node, seen)| Some((node, seen.as_ref().err()?)))
        .map(|(node, why)| on(node, "the node", why))
        .collect();
    for (node, seen) in view.surveys() {
        out.extend(seen.not_seen().into_iter().map(|(what, why)| on(node, &what, why)));
    }
    let asked = |n: &&crate::NodeEntry| {
        view.chosen(&n.name) && n.facts.is_some() && !view.input.surveys.contains_key(&n.name)
    };
    let unasked: Vec<NodeName> =
        view.input.inventory.nodes.iter().filter(asked).map(|n| n.name.clone()).collect();
    if !unasked.is_empty() {
        let evidence = format!(
            "{} {} not surveyed: {}",
            podlift_model::count(unasked.len(), "node"),
            podlift_model::agree(unasked.len(), "was", "were"),
            names(&unasked)
        );
        out.push(finding(ID, Severity::Warning, None, evidence, "podlift status"));
    }
    out
}

fn on(node: &NodeName, what: &str, why: &str) -> Finding {
    let evidence = format!("{what} can't be seen: {why}. What is wrong there is not in this plan");
    finding(ID, Severity::Warning, Some(node), evidence, &format!("ssh {node} journalctl -u podlift-agent"))
}
