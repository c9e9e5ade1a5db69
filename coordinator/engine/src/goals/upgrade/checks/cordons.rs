//! Nodes that were cordoned before the run. They are upgraded like the others, and stay cordoned afterwards.

use super::View;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let cordoned = view.nodes().filter(|n| n.view.unschedulable);
    cordoned
        .map(|n| {
            let evidence = match &n.view.owner {
                Some(owner) if owner.over => {
                    format!("ended run {} has left its cordon: this run takes it over", owner.run)
                }
                Some(owner) => format!("node is cordoned by podlift run {}", owner.run),
                None => "node is cordoned by somebody else: it stays so after the upgrade".into(),
            };
            finding("cordons", Severity::Note, Some(&n.name), evidence, "")
        })
        .collect()
}
