//! Who is control plane: as the cluster says, and the journal where the cluster has not been asked yet. Never as an agent says of itself:
//! what counts here decides who commands.

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
    /// Control plane (true) or worker, as the cluster said last; None: it has not been asked with success.
    said: Mutex<Option<BTreeMap<NodeName, bool>>>,
}

impl Planes {
    pub fn new(store: Arc<Store>, agents: Arc<dyn Agents>, cluster: Arc<dyn Cluster>) -> Self {
        Self { store, agents, cluster, said: Mutex::default() }
    }

    /// Asks the cluster again; where it does not answer, what it said last stays.
    pub async fn refresh(&self) {
        let Ok(ClusterReply::Nodes(nodes)) = self.cluster.look(&ClusterLook::NodesLately).await else {
            return;
        };
        let said: BTreeMap<NodeName, bool> = nodes.into_iter().map(|n| (n.name, n.control_plane)).collect();
        self.agents.told_roles(&said);
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    }

    /// All that are known, whoever of them is there. A node that the cluster calls a worker now is none, whatever the journal has.
    pub fn all(&self) -> BTreeSet<NodeName> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
        let mut out: BTreeSet<NodeName> =
            said.iter().filter(|(_, plane)| **plane).map(|(node, _)| node.clone()).collect();
        if let Some(state) = self.store.newest() {
            // The label of that day: a plan's own roles rest on what agents told, too.
            let planes = state.plan.inventory.nodes.iter().filter(|n| n.view.control_plane);
            out.extend(planes.map(|n| n.name.clone()).filter(|n| said.get(n) != Some(&false)));
        }
        out
    }

    /// Those whose agents say so themselves; for a takeover where nobody else can tell.
    pub fn self_declared(&self) -> BTreeSet<NodeName> {
        let seen = self.agents.seen().into_iter().filter(|n| n.connected && !n.facts.manifests.is_empty());
        seen.map(|n| n.facts.node.clone()).collect()
    }
}
