//! Nodes that an earlier run has not finished, and that offer less now than before that run. This run compares them with the older record.

use super::View;
use crate::analysis::{compare, seen_of};
use crate::program::{DEVICES, Finding, Recorded, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let carried = view.input.carried();
    let now = seen_of(view.input.cluster_survey.as_ref(), view.surveys());
    let found = compare(&carried, &now).into_iter();
    found.filter_map(|f| told(view, &carried, f)).collect()
}

fn told(view: &View, carried: &Recorded, found: Finding) -> Option<Finding> {
    let node = found.node.as_ref().filter(|node| view.chosen(node))?;
    let run = carried.since.get(node)?;
    let evidence = format!(
        "{}; run {run} recorded it before its work on the node, and has not finished the node: this run gives the node work again only when it is as recorded. If its hardware was replaced: --waive '{DEVICES}/{node}=REASON'",
        found.evidence
    );
    Some(finding(DEVICES, Severity::Warning, Some(node), evidence, &found.next))
}
