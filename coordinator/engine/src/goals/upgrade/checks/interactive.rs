//! Pods in which people work: workspaces and notebooks. A run evicts them like others, and what such a person has not saved is lost, so the
//! plan names the pods and their owners, who can be told before.

use super::View;
use crate::listed::listed;
use crate::program::{Finding, Severity, finding};
use crate::survey::PodView;
use podlift_model::{NodeName, agree, count};

pub const ID: &str = "interactive";
/// Maximum number of pods that are named.
const NAMED: usize = 10;

pub fn check(view: &View) -> Vec<Finding> {
    let Some(pods) = view.cluster().and_then(|c| c.pods.as_ref().ok()) else { return vec![] };
    let on_chosen = |pod| Some((pod, node_of(pod).filter(|node| view.chosen(node))?));
    let mut found: Vec<(&PodView, &NodeName)> = pods.iter().filter_map(on_chosen).collect();
    found.sort_by(|(a, _), (b, _)| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    evidence(&found, view.input.options.interactive_warning_seconds)
        .map(|text| finding(ID, Severity::Note, None, text, ""))
        .into_iter()
        .collect()
}

/// The node of a pod in which a person works and that a drain would take away from there.
fn node_of(pod: &PodView) -> Option<&NodeName> {
    let works = pod.interactive && pod.evicted() && !pod.finished && pod.terminating.is_none();
    pod.node.as_ref().filter(|_| works)
}

fn evidence(found: &[(&PodView, &NodeName)], warned: u32) -> Option<String> {
    (!found.is_empty()).then(|| {
        let owners = agree(found.len(), "its owner", "their owners");
        let told = match warned {
            0 => format!("tell {owners} before the run"),
            seconds => format!("an Event tells {owners} {seconds} s before the drain"),
        };
        format!(
            "people work in {} that the run evicts, and what they have not saved is lost: {}; {told}, or leave a worker out with --without NODE",
            count(found.len(), "pod"),
            listed(found.iter().map(|(pod, node)| name(pod, node)), NAMED),
        )
    })
}

/// `namespace/name of Kind/name on NODE`.
fn name(pod: &PodView, node: &NodeName) -> String {
    let owner = pod.gang.as_ref().or(pod.owner.as_ref()).map(|owner| format!(" of {owner}"));
    format!("{}{} on {node}", pod.full_name(), owner.unwrap_or_default())
}
