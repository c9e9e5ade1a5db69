//! Nodes that were cordoned before the run. They are upgraded like the others, and stay cordoned afterwards.

use super::View;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let cordoned = view.nodes().filter(|n| n.view.unschedulable);
    cordoned
        .map(|n| {
            let (mut severity, mut next) = (Severity::Note, String::new());
            let evidence = match n.view.cordon_owner() {
                Some(owner) if owner.over => {
                    format!("ended run {} has left its cordon: this run takes it over", owner.run)
                }
                Some(owner) => {
                    severity = Severity::Warning;
                    next = format!("kubectl annotate node {} podlift.io/owner-", n.name);
                    format!(
                        "node is cordoned by podlift run {}, which this journal does not know as ended: its lane will stop; if no other coordinator works with the node, take the mark away",
                        owner.run
                    )
                }
                None => "node is cordoned by somebody else: it stays so after the upgrade".into(),
            };
            finding("cordons", severity, Some(&n.name), evidence, &next)
        })
        .collect()
}
