//! Groups of the site's policy that mean no worker, or all of them: a rule that was mistyped means something else than its author wanted.

use super::View;
use super::batches::{FILE, ID};
use crate::listed::listed;
use crate::program::{Finding, Severity, finding};
use podlift_batches::{Group, GroupNodes, Policy, Worker, groups_of};
use podlift_model::count;
use std::collections::BTreeSet;

/// Categories in a sentence.
const NAMED: usize = 5;
const LABELS: &str = "kubectl get nodes --show-labels";
const CATEGORIES: &str = "cmsh -c \"device; list -f hostname,category\"";

pub fn check(view: &View, policy: &Policy, workers: &[Worker]) -> Vec<Finding> {
    let rows = groups_of(policy, workers);
    let each = policy.groups.iter().zip(&rows);
    each.filter_map(|(group, nodes)| match nodes.nodes.len() {
        0 => Some(empty(view, group, workers)),
        all if all == workers.len() && all > 1 => Some(whole(group, nodes, policy)),
        _ => None,
    })
    .collect()
}

/// A group that no worker is in.
fn empty(view: &View, group: &Group, workers: &[Worker]) -> Finding {
    let (why, next) = match (&group.category, unknown(view)) {
        (Some(category), Some(why)) => (
            format!(
                "category {category:?} can't be found, because {why}; correct that, or take `category` out"
            ),
            view.again(),
        ),
        (Some(category), None) if !workers.iter().any(|w| w.category.as_ref() == Some(category)) => {
            let there: BTreeSet<&String> = workers.iter().filter_map(|w| w.category.as_ref()).collect();
            let known = match there.is_empty() {
                true => "BCM lists none of them in a category".to_string(),
                false => format!("expected one of {}", listed(there, NAMED)),
            };
            (
                format!(
                    "none is in BCM category {category:?}: {known}; correct `category`, or remove the group"
                ),
                CATEGORIES.to_string(),
            )
        }
        _ => (
            format!(
                "{} matches none, or only workers of groups before it; correct {}, or remove the group",
                terms(group),
                fields(group)
            ),
            shown(group).to_string(),
        ),
    };
    let evidence = format!("group {:?} of [rollout] in {FILE} has no worker: {why}", group.name);
    finding(ID, Severity::Blocker, None, evidence, &next)
}

/// A group that every worker is in.
fn whole(group: &Group, nodes: &GroupNodes, policy: &Policy) -> Finding {
    let others = match policy.groups.last().is_some_and(|last| last.name == group.name) {
        true => "",
        false => ", and the groups after it have none",
    };
    let evidence = format!(
        "group {:?} of [rollout] in {FILE} has all {}: {} matches every one{others}; its rules are those of all workers then",
        group.name,
        count(nodes.nodes.len(), "worker"),
        terms(group)
    );
    finding(ID, Severity::Warning, None, evidence, shown(group))
}

/// Why no category is known; `None` if BCM's nodes were seen.
fn unknown(view: &View) -> Option<String> {
    match &view.input.bcm {
        None => Some("BCM is not asked ([bcm] is not in /etc/podlift/coordinator.toml)".into()),
        Some(bcm) => bcm.nodes.as_ref().err().map(|why| format!("BCM's nodes can't be seen ({why})")),
    }
}

/// `selector "rack=r1" with category "dgx"`.
fn terms(group: &Group) -> String {
    let selector = group.selector.as_ref().map(|text| format!("selector {text:?}"));
    let category = group.category.as_ref().map(|name| format!("category {name:?}"));
    selector.into_iter().chain(category).collect::<Vec<_>>().join(" with ")
}

/// The command that shows what the group goes by.
fn shown(group: &Group) -> &'static str {
    if group.selector.is_some() { LABELS } else { CATEGORIES }
}

fn fields(group: &Group) -> &'static str {
    match (&group.selector, &group.category) {
        (Some(_), Some(_)) => "the selector or the category",
        (None, Some(_)) => "the category",
        _ => "the selector",
    }
}
