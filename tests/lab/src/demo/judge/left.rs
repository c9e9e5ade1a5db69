//! What a run leaves on nodes: podlift's marks, cordons of other writers, and the names of the nodes that it left out.

use super::{Case, Finding, finding, list};
use serde_json::Value;

/// Nodes in order of name that fulfil `holds`.
fn nodes(case: &Case, holds: impl Fn(&crate::world::NodeSnapshot) -> bool) -> Vec<String> {
    let all = case.world.snapshot().nodes.into_iter();
    all.filter(|(_, node)| holds(node)).map(|(name, _)| name).collect()
}

/// Annotations of podlift are left exactly on the nodes that the scenario names, and these are cordoned.
pub(super) fn marks(case: &Case) -> Finding {
    let want = &case.scenario.expect.kept_cordon;
    let marked = nodes(case, |n| !n.owned.is_empty());
    let kept = nodes(case, |n| !n.owned.is_empty() && n.unschedulable);
    let text = format!("nodes with marks of podlift: {marked:?}, cordoned: {kept:?}; expected {want:?}");
    finding("marks-left", marked == *want && kept == *want, text)
}

/// (name, reason) of the rows of a document whose `key` is "deferred".
fn deferred_in<'a>(document: &'a Value, key: &str) -> Vec<(&'a str, &'a str)> {
    let rows = list(document, "nodes").iter().filter(|n| n[key] == "deferred");
    rows.map(|n| (n["name"].as_str().unwrap_or_default(), n["reason"].as_str().unwrap_or_default())).collect()
}

fn names<'a>(rows: &[(&'a str, &'a str)]) -> Vec<&'a str> {
    rows.iter().map(|(name, _)| *name).collect()
}

/// Report and status name them, with the reason, and those that keep their cordon with the command that ends it.
pub(super) fn deferred(case: &Case) -> Finding {
    let want: Vec<&str> = case.scenario.expect.deferred.iter().map(String::as_str).collect();
    let report = deferred_in(&case.story.report, "result");
    let status = deferred_in(&case.story.status, "state");
    // The status has rows of agents; a node that never had one is in the report alone.
    let silent = &case.scenario.cluster.without_agent;
    let with_agent: Vec<&str> = want.iter().filter(|n| !silent.iter().any(|s| s == *n)).copied().collect();
    let (in_report, in_status) = (names(&report), names(&status));
    let kept = |node: &str| case.scenario.expect.kept_cordon.iter().any(|n| n == node);
    let says = |(node, reason): &(&str, &str)| match kept(node) {
        true => reason.contains(&format!("podlift node release {node}")),
        false => !reason.is_empty(),
    };
    let silent: Vec<_> = report.iter().chain(&status).filter(|row| !says(row)).collect();
    let text =
        format!("report: {in_report:?}, status: {in_status:?}; without reason or next command: {silent:?}");
    finding("deferred", in_report == want && in_status == with_agent && silent.is_empty(), text)
}

pub(super) fn cordoned(case: &Case) -> Finding {
    let want = &case.scenario.expect;
    let mut is = nodes(case, |n| n.unschedulable);
    is.retain(|node| !want.kept_cordon.contains(node));
    finding("cordons-left", is == want.cordoned, format!("cordoned by another writer at the end: {is:?}"))
}
