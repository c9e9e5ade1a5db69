//! The control-plane nodes, as the cluster reports them, or the journal before the first answer of the cluster. An agent's own report never
//! counts, because these nodes decide which coordinator commands.

use crate::cluster::Cluster;
use crate::dispatch::Agents;
use crate::store::Store;
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) struct Planes {
    store: Arc<Store>,
    agents: Arc<dyn Agents>,
    cluster: Arc<dyn Cluster>,
    /// Control plane (true) or worker, from the last answer of the cluster; `None` if the cluster has not answered yet.
    said: Mutex<Option<BTreeMap<NodeName, bool>>>,
}

impl Planes {
    pub fn new(store: Arc<Store>, agents: Arc<dyn Agents>, cluster: Arc<dyn Cluster>) -> Self {
        Self { store, agents, cluster, said: Mutex::default() }
    }

    pub fn cluster(&self) -> &dyn Cluster {
        self.cluster.as_ref()
    }

    /// Asks the cluster again. If it does not answer, the last answer stays.
    pub async fn refresh(&self) {
        let Ok(ClusterReply::Nodes(nodes)) = self.cluster.look(&ClusterLook::NodesLately).await else {
            return;
        };
        let said: BTreeMap<NodeName, bool> = nodes.into_iter().map(|n| (n.name, n.control_plane)).collect();
        self.agents.told_roles(&said);
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    }

    /// All known control-plane nodes, connected or not. A node that the cluster calls a worker now is excluded, whatever the journal holds.
    pub fn all(&self) -> BTreeSet<NodeName> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
        let mut out: BTreeSet<NodeName> =
            said.iter().filter(|(_, plane)| **plane).map(|(node, _)| node.clone()).collect();
        if let Some(state) = self.store.newest() {
            // The node label at planning time. The plan's own roles also depend on what agents reported.
            let planes = state.plan.inventory.nodes.iter().filter(|n| n.view.control_plane);
            out.extend(planes.map(|n| n.name.clone()).filter(|n| said.get(n) != Some(&false)));
        }
        out
    }

    /// Nodes whose agents report themselves as control plane; for a takeover when no other source answers.
    pub fn self_declared(&self) -> BTreeSet<NodeName> {
        let seen = self.agents.seen().into_iter().filter(|n| n.connected && !n.facts.manifests.is_empty());
        seen.map(|n| n.facts.node.clone()).collect()
    }
}
