//! Workers that are unavailable before the run count among those that may be unavailable at once. If they alone reach that number, no
//! worker would get its turn.

use super::View;
use crate::inventory::{NodeEntry, NodeRole};
use crate::program::{Finding, Severity, finding, names};
use podlift_model::NodeName;

pub const ID: &str = "max-unavailable";

pub fn check(view: &View) -> Vec<Finding> {
    let workers = view.input.inventory.of_role(NodeRole::Worker).filter(|n| counts(view, n));
    let away: Vec<NodeName> = workers.map(|n| n.name.clone()).collect();
    let (number, allowed) = (away.len() as u32, view.input.options.max_unavailable);
    if number == 0 {
        return vec![];
    }
    let needed = number + allowed;
    let seen = format!(
        "{} {} unavailable now ({})",
        podlift_model::count(number, "worker"),
        podlift_model::agree(number, "is", "are"),
        names(&away)
    );
    let (severity, evidence) = match number < allowed {
        true => (
            Severity::Note,
            format!("{seen}, so the run works on {} at once instead of {allowed}", allowed - number),
        ),
        false => (
            Severity::Warning,
            format!(
                "{seen}, and {allowed} may be: no other worker gets its turn before one of them is back. --max-unavailable {needed} leaves room for {allowed} at once, --skip-unready leaves them out, and a run that waits takes podlift set max-unavailable {needed}"
            ),
        ),
    };
    let next = view.again_with(needed);
    vec![finding(ID, severity, None, evidence, &next)]
}

/// Not Ready or cordoned by others. A node without an agent is deferred before the first worker's turn.
fn counts(view: &View, node: &NodeEntry) -> bool {
    let cordoned = node.view.unschedulable && node.view.cordon_owner().is_none_or(|owner| !owner.over);
    let there = node.facts.is_some() || !view.chosen(&node.name);
    !view.is_left_out(&node.name) && there && (!node.view.ready || cordoned)
}
