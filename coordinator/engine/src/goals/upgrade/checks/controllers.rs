//! Other programs that cordon and uncordon nodes, by the marks that they leave: kured, NVSentinel, medik8s, the drain of BCM. A run that
//! meets one of them on a node stops that node's lane; the plan names them before.

use super::View;
use crate::program::{Finding, Severity, finding, names};
use podlift_model::NodeName;
use std::collections::BTreeMap;

pub const ID: &str = "other-controllers";

pub fn check(view: &View) -> Vec<Finding> {
    let mut found: BTreeMap<&str, (Vec<NodeName>, &str)> = BTreeMap::new();
    for node in view.nodes().filter(|n| view.chosen(&n.name)) {
        for mark in &node.view.controllers {
            let entry = found.entry(&mark.by).or_insert_with(|| (vec![], &mark.what));
            if entry.0.last() != Some(&node.name) {
                entry.0.push(node.name.clone());
            }
        }
    }
    let one = |(by, (nodes, mark)): (&str, (Vec<NodeName>, &str))| {
        let evidence = format!(
            "{by} cordons nodes of this cluster, too: {} ({mark}); pause it during the run, because a node whose cordon it takes or removes is set aside",
            names(&nodes)
        );
        finding(ID, Severity::Note, None, evidence, "")
    };
    found.into_iter().map(one).collect()
}
