//! Every node is Ready.

use super::View;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let down = view.input.inventory.nodes.iter().filter(|n| !n.view.ready);
    down.map(|n| {
        let evidence = format!("node is not Ready: {}", n.view.ready_message);
        finding(
            "nodes-ready",
            Severity::Blocker,
            Some(&n.name),
            evidence,
            &format!("kubectl describe node {}", n.name),
        )
    })
    .collect()
}
