//! The nodes of a cluster for the planner: Node objects and agents' facts, joined by name.

use crate::doors::NodeView;
use podlift_model::{KubeVersion, NodeFacts, NodeName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NodeRole {
    ControlPlane,
    Worker,
}

impl std::fmt::Display for NodeRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            NodeRole::ControlPlane => "control-plane",
            NodeRole::Worker => "worker",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeEntry {
    pub name: NodeName,
    pub role: NodeRole,
    pub view: NodeView,
    /// `None` if no agent of this node is connected.
    pub facts: Option<NodeFacts>,
}

/// Nodes of one class take about as long for the same work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class<'a> {
    pub role: NodeRole,
    /// The model of its GPUs or its machine, by the first label of `MODEL` that it has; empty if it has none.
    pub model: &'a str,
}

/// Labels that name what a node is.
const MODEL: [&str; 2] = ["nvidia.com/gpu.product", "node.kubernetes.io/instance-type"];

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Inventory {
    /// Sorted by name.
    pub nodes: Vec<NodeEntry>,
}

impl Inventory {
    /// Joins Node objects with facts. The Node object alone decides whether a node is control plane; the manifests that an agent reports do
    /// not.
    pub fn join(views: Vec<NodeView>, facts: Vec<NodeFacts>) -> Self {
        let mut facts: BTreeMap<NodeName, NodeFacts> =
            facts.into_iter().map(|f| (f.node.clone(), f)).collect();
        let mut nodes: Vec<NodeEntry> = views
            .into_iter()
            .map(|view| {
                let facts = facts.remove(&view.name);
                let role = if view.control_plane { NodeRole::ControlPlane } else { NodeRole::Worker };
                NodeEntry { name: view.name.clone(), role, view, facts }
            })
            .collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        Self { nodes }
    }

    pub fn of_role(&self, role: NodeRole) -> impl Iterator<Item = &NodeEntry> {
        self.nodes.iter().filter(move |n| n.role == role)
    }

    pub fn control_planes(&self) -> impl Iterator<Item = &NodeEntry> {
        self.of_role(NodeRole::ControlPlane)
    }

    pub fn get(&self, name: &NodeName) -> Option<&NodeEntry> {
        self.nodes.binary_search_by(|n| n.name.cmp(name)).ok().map(|at| &self.nodes[at])
    }

    /// The version of the cluster: the lowest version of the API servers' manifests, or of the kubelets if no manifest is known.
    pub fn version(&self) -> Option<KubeVersion> {
        let servers = self.control_planes().filter_map(|n| n.api_server_version());
        servers.min().or_else(|| self.nodes.iter().filter_map(|n| n.view.kubelet).min())
    }
}

impl NodeEntry {
    pub fn class(&self) -> Class<'_> {
        let model = MODEL.iter().find_map(|key| self.view.labels.get(*key));
        Class { role: self.role, model: model.map_or("", String::as_str) }
    }

    pub fn api_server_version(&self) -> Option<KubeVersion> {
        let manifests = self.facts.iter().flat_map(|f| &f.manifests);
        let server =
            manifests.into_iter().find(|m| m.component == podlift_model::op::Component::KubeApiserver);
        server.and_then(|m| m.version)
    }
}
