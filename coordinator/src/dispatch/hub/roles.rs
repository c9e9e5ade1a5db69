//! Control plane or worker, as the cluster reports. A worker whose agent reports control-plane manifests raises an alarm. The report is
//! shown and has no other effect.
//!
//! The cluster decides which node is control plane, or the journal's record of its answer; an agent never decides it, because
//! control-plane nodes vote on epochs. A node that reports control-plane manifests but is a worker for the cluster is named, blocks the
//! plan and has no vote.

use super::Hub;
use super::node::Kind;
use podlift_model::{NodeFacts, NodeName};
use std::collections::BTreeMap;
use std::sync::PoisonError;

impl Hub {
    pub(super) fn learn_roles(&self, roles: &BTreeMap<NodeName, bool>) {
        {
            let mut known = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
            if *known == *roles {
                return;
            }
            known.clone_from(roles);
        }
        self.end_heads_named_as(roles);
        for (node, text) in self.impostors() {
            tracing::error!(%node, "{text}");
        }
    }

    /// Ends the session of a head node's agent whose name turns out to be the name of a node.
    fn end_heads_named_as(&self, roles: &BTreeMap<NodeName, bool>) {
        for (name, node) in self.nodes().iter_mut() {
            if node.kind == Kind::Head && node.session.is_some() && roles.contains_key(name) {
                node.session = None;
                tracing::error!(%name, "the agent of a head node has the name of a node of the cluster: its session is ended");
            }
        }
    }

    /// `None` if the role is not known.
    pub(super) fn is_plane(&self, node: &NodeName) -> Option<bool> {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner).get(node).copied()
    }

    /// Logs facts that make a node an impostor, once for each change.
    pub(super) fn suspect(&self, node: &NodeName, before: Option<&NodeFacts>, now: &NodeFacts) {
        let told_before = before.is_some_and(|f| !f.manifests.is_empty());
        if self.is_plane(node) == Some(false) && !now.manifests.is_empty() && !told_before {
            tracing::error!(%node, "{}", impostor(now));
        }
    }

    pub(super) fn impostors(&self) -> BTreeMap<NodeName, String> {
        let roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let nodes = self.nodes();
        let told = nodes.iter().filter(|(name, n)| {
            n.session.is_some() && !n.facts.manifests.is_empty() && roles.get(*name) == Some(&false)
        });
        told.map(|(name, n)| (name.clone(), impostor(&n.facts))).collect()
    }
}

/// The alarm about a worker that reports control-plane manifests.
pub(crate) fn impostor(facts: &NodeFacts) -> String {
    let mut files: Vec<String> = facts.manifests.iter().map(|m| m.component.file()).collect();
    files.sort();
    files.dedup();
    format!(
        "the cluster calls it a worker, and its agent reports {} in the manifest folder: none of its reports counts. Look at the node; if it is control plane: kubectl label node {} node-role.kubernetes.io/control-plane=; if it is not: remove these files, and revoke its certificate if nobody put them there",
        files.join(", "),
        facts.node
    )
}
