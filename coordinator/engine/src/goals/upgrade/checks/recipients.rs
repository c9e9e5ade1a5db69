//! The age recipients for whom the control plane's agents encrypt the secrets of a backup. An agent without recipients serves no secrets:
//! then the backup off the nodes has no keys and no etcd snapshot, and nothing can be restored from it.

use super::View;
use crate::program::{Finding, Severity, finding, names};
use podlift_model::NodeName;

pub const ID: &str = "backup-recipients";

pub fn check(view: &View) -> Vec<Finding> {
    let servers = view.input.inventory.control_planes();
    let without = servers.filter(|n| n.facts.as_ref().is_some_and(|f| f.recipients.is_empty()));
    let nodes: Vec<NodeName> = without.map(|n| n.name.clone()).collect();
    let Some(first) = nodes.first() else { return vec![] };
    let evidence = format!(
        "no recipients for secrets on {}: its agent hands out no key, kubeconfig or etcd snapshot, so that nothing can be restored from the backup alone; set recipients of [backup] in /etc/podlift/agent.toml",
        names(&nodes)
    );
    let next = format!("ssh {first} grep -n -A2 backup /etc/podlift/agent.toml");
    let node = (nodes.len() == 1).then_some(first);
    vec![finding(ID, Severity::Blocker, node, evidence, &next)]
}
