//! Every node has a connected agent that speaks our protocol.

use super::{Finding, View};
use crate::plan::{Severity, finding::finding};

pub fn check(view: &View) -> Vec<Finding> {
    let missing = view.input.inventory.nodes.iter().filter(|n| n.facts.is_none());
    missing
        .map(|n| match view.input.refused_agents.get(&n.name) {
            Some(why) => finding(
                "agents",
                Severity::Blocker,
                Some(&n.name),
                why.clone(),
                &format!("ssh {} apt-get install --only-upgrade podlift-agent", n.name),
            ),
            None => finding(
                "agents",
                Severity::Blocker,
                Some(&n.name),
                "no agent of this node is connected; --node leaves nodes out".into(),
                &format!("ssh {} systemctl status podlift-agent", n.name),
            ),
        })
        .collect()
}
