//! Every node has a connected agent with our protocol. The agents of the control plane are needed; a worker without one is deferred by
//! the run, because its files can't be in the backup. An agent that was refused needs a person.

use super::View;
use crate::inventory::{NodeEntry, NodeRole};
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let needed = |n: &&NodeEntry| view.chosen(&n.name) || n.role == NodeRole::ControlPlane;
    let missing = view.nodes().filter(|n| n.facts.is_none()).filter(needed);
    let each = missing.map(|n| match view.input.refused_agents.get(&n.name) {
        Some(why) => finding(
            "agents",
            Severity::Blocker,
            Some(&n.name),
            why.clone(),
            &format!("ssh {} apt-get install --only-upgrade podlift-agent", n.name),
        ),
        None => finding(
            "agents",
            severity(n),
            Some(&n.name),
            match n.role {
                NodeRole::ControlPlane => "no agent of this control-plane node is connected".into(),
                NodeRole::Worker => "no agent of this node is connected: the run defers it, because its files can't be in the backup".into(),
            },
            &format!("ssh {} systemctl status podlift-agent", n.name),
        ),
    });
    each.chain(without(view)).collect()
}

fn severity(node: &NodeEntry) -> Severity {
    if node.role == NodeRole::ControlPlane { Severity::Blocker } else { Severity::Warning }
}

/// The consequences of a run without those nodes.
fn without(view: &View) -> Option<Finding> {
    let nodes: Vec<&NodeEntry> = view.nodes().collect();
    let missing: Vec<&NodeEntry> = nodes.iter().copied().filter(|n| n.facts.is_none()).collect();
    if missing.len() < 2 {
        return None;
    }
    let servers = missing.iter().filter(|n| n.role == NodeRole::ControlPlane).count();
    let meaning = match servers {
        0 => format!(
            "their kubelets would stay as they are, which {} allows for three minors",
            view.input.to.minor()
        ),
        n => format!(
            "{n} of them are control plane: their API servers would stay behind, and a run without them is refused by kubeadm's skew rules"
        ),
    };
    let names: Vec<_> = missing.iter().map(|n| n.name.clone()).collect();
    let evidence = format!(
        "{} of {} have no agent: {}. Without them: {meaning}",
        missing.len(),
        podlift_model::count(nodes.len(), "node"),
        names.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ")
    );
    Some(finding("agents", Severity::Note, None, evidence, "podlift status -l connected=false"))
}
