//! The sessions of all agents. The hub knows which agents are connected, what they reported last, and which answer belongs to which
//! question. It does not decide what to ask.

mod ask;
mod attach;
mod door;
#[cfg(test)]
mod flood_tests;
#[cfg(test)]
mod head_tests;
mod heal;
mod identity;
#[cfg(test)]
mod limit_tests;
#[cfg(test)]
mod machine_tests;
mod node;
mod op;
mod read;
mod roles;
#[cfg(test)]
mod tests;

pub(crate) use roles::impostor;

use crate::cluster::Cluster;
use crate::dispatch::registry::Registry;
use crate::dispatch::{Agents, Looked, Progress, unreachable};
use crate::store::Store;
use async_trait::async_trait;
use door::{Door, Refusal};
use node::{Kind, Node, Session};
use podlift_common::clock::Clock;
use podlift_engine::view::SeenNode;
use podlift_model::{
    ClusterName, Epoch, Failure, HostOp, LedgerId, Look, NodeName, OpId, OpOutcome, OpOutput, RunId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

#[derive(Debug, Clone)]
pub struct HubSettings {
    /// How long an agent may take to answer an observation, a lookup or a claim.
    pub observe_timeout: Duration,
    /// How long an op waits for its agent to reconnect before its end counts as unknown.
    pub reconnect: Duration,
    /// The heartbeat interval that the coordinator requires of agents.
    pub heartbeat: Duration,
}

impl Default for HubSettings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { observe_timeout: seconds(60), reconnect: seconds(30), heartbeat: seconds(5) }
    }
}

pub struct Hub {
    cluster: ClusterName,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    settings: HubSettings,
    registry: Registry,
    nodes: Mutex<BTreeMap<NodeName, Node>>,
    /// The remaining limits of each certificate. The lock is held only for short accesses.
    doors: Mutex<BTreeMap<NodeName, Door>>,
    refused: Mutex<BTreeMap<NodeName, Refusal>>,
    /// Control plane (true) or worker, as the cluster reports.
    roles: Mutex<BTreeMap<NodeName, bool>>,
    /// Runs that agents remember, and which agents. Every turn of every step reads this map.
    remembered: Mutex<BTreeMap<RunId, BTreeSet<NodeName>>>,
    /// Numbers requests, sessions and observations.
    counter: AtomicU64,
    /// Changes whenever an agent connects or disconnects.
    changed: watch::Sender<u64>,
}

impl Hub {
    /// A hub without a cluster, which cannot ask which machine a node is.
    pub fn new(
        cluster: ClusterName,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        settings: HubSettings,
    ) -> Arc<Self> {
        Self::with_registry(cluster, store, clock, settings, Registry::new(None))
    }

    /// A hub that asks `kube` which machine a node is.
    pub fn over(
        kube: Arc<dyn Cluster>,
        cluster: ClusterName,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        settings: HubSettings,
    ) -> Arc<Self> {
        Self::with_registry(cluster, store, clock, settings, Registry::new(Some(kube)))
    }

    fn with_registry(
        cluster: ClusterName,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        settings: HubSettings,
        registry: Registry,
    ) -> Arc<Self> {
        Arc::new(Self {
            cluster,
            store,
            clock,
            settings,
            registry,
            nodes: Mutex::default(),
            doors: Mutex::default(),
            refused: Mutex::default(),
            roles: Mutex::default(),
            remembered: Mutex::default(),
            counter: AtomicU64::new(1),
            changed: watch::Sender::new(0),
        })
    }

    /// Ends every session; the agents will reconnect.
    pub fn close(&self) {
        for node in self.nodes().values_mut() {
            node.session = None;
        }
    }

    /// Fires whenever an agent connects or disconnects.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeMap<NodeName, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of a connected agent of either kind: a name stands for one kind of machine.
    fn any_session(&self, name: &NodeName) -> Option<Session> {
        Some(self.nodes().get(name)?.session.as_ref()?.session.clone())
    }

    /// The session of a connected agent of that kind. An agent of the other kind must not answer under the name.
    fn session(&self, name: &NodeName, kind: Kind) -> Result<Session, Failure> {
        let nodes = self.nodes();
        let live = nodes.get(name).and_then(|n| Some((n.kind, n.session.as_ref()?)));
        match live {
            Some((found, live)) if found == kind => Ok(live.session.clone()),
            Some((found, _)) => Err(Failure::operator(
                "agent-kind",
                format!(
                    "the agent of {name} is connected with the certificate of a {}, expected that of a {}: see `podlift cert issue`",
                    found.name(),
                    kind.name()
                ),
            )),
            None => Err(unreachable(name, "it is not connected")),
        }
    }
}

#[async_trait]
impl Agents for Hub {
    fn seen(&self) -> Vec<SeenNode> {
        self.nodes().values().filter(|n| n.kind == Kind::Node).map(Node::seen).collect()
    }

    fn ledger(&self, node: &NodeName) -> Option<LedgerId> {
        self.any_session(node).map(|session| session.ledger)
    }

    fn epoch(&self, node: &NodeName) -> Option<Epoch> {
        self.nodes().get(node).filter(|n| n.session.is_some()).and_then(|n| n.epoch.clone())
    }

    fn connected_since(&self, node: &NodeName) -> Option<jiff::Timestamp> {
        self.nodes().get(node).and_then(|n| n.session.as_ref()).map(|live| live.since)
    }

    fn runs(&self) -> BTreeSet<RunId> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn runs_of(&self, counts: &dyn Fn(&NodeName) -> bool) -> BTreeSet<RunId> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.iter().filter(|(_, by)| by.iter().any(counts)).map(|(run, _)| run.clone()).collect()
    }

    fn told_roles(&self, roles: &BTreeMap<NodeName, bool>) {
        self.learn_roles(roles);
    }

    fn refused(&self) -> BTreeMap<NodeName, String> {
        let mut all = self.impostors();
        all.extend(self.turned_away());
        all
    }

    async fn observe(&self, node: &NodeName, look: &Look) -> Result<OpOutput, Failure> {
        self.ask_look(node, look).await
    }

    async fn run(
        &self,
        node: &NodeName,
        op_id: &OpId,
        epoch: &Epoch,
        op: &HostOp,
        progress: Progress,
    ) -> Result<OpOutcome, Failure> {
        self.run_op(node, op_id, epoch, op, progress).await
    }

    async fn lookup(&self, node: &NodeName, op_id: &OpId) -> Result<Looked, Failure> {
        self.ask_lookup(node, op_id).await
    }

    async fn claim(&self, node: &NodeName, epoch: &Epoch) -> Result<bool, Failure> {
        self.ask_claim(node, epoch).await
    }
}
