//! Who commands: the epoch, claimed from a majority of the control-plane agents, lost when one of them says that another holds a higher
//! one. Without it this coordinator reads and shows, and starts nothing.

use crate::cluster::Cluster;
use crate::dispatch::Agents;
use crate::store::Store;
use futures_util::future::join_all;
use podlift_engine::inventory::NodeRole;
use podlift_engine::machine::Event;
use podlift_engine::{ClusterCall, ClusterReply};
use podlift_model::{Epoch, Failure, InstanceId, NodeName, RunId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FenceState {
    /// Not yet; why.
    Claiming(String),
    Held(Epoch),
    /// Not any more, or never: why. Only `podlift takeover` changes that.
    Lost(String),
}

pub struct Fence {
    state: watch::Sender<FenceState>,
    store: Arc<Store>,
    agents: Arc<dyn Agents>,
    cluster: Arc<dyn Cluster>,
    instance: InstanceId,
}

impl Fence {
    pub fn new(
        store: Arc<Store>,
        agents: Arc<dyn Agents>,
        cluster: Arc<dyn Cluster>,
        instance: InstanceId,
    ) -> Arc<Self> {
        let state = watch::Sender::new(FenceState::Claiming("no control-plane agent was asked yet".into()));
        Arc::new(Self { state, store, agents, cluster, instance })
    }

    /// The epoch, if this coordinator may command.
    pub fn commanding(&self) -> Option<Epoch> {
        match &*self.state.borrow() {
            FenceState::Held(epoch) if self.unknown_runs().is_empty() => Some(epoch.clone()),
            _ => None,
        }
    }

    pub fn epoch(&self) -> Option<Epoch> {
        match &*self.state.borrow() {
            FenceState::Held(epoch) => Some(epoch.clone()),
            _ => None,
        }
    }

    /// Why this coordinator only reads, if so.
    pub fn read_only(&self) -> Option<String> {
        match &*self.state.borrow() {
            FenceState::Claiming(why) | FenceState::Lost(why) => Some(why.clone()),
            FenceState::Held(_) => {
                let unknown = self.unknown_runs();
                let names: Vec<&str> = unknown.iter().map(RunId::as_str).collect();
                let text = || {
                    format!(
                        "agents remember runs that this journal lacks ({}): `podlift adopt`",
                        names.join(", ")
                    )
                };
                (!unknown.is_empty()).then(text)
            }
        }
    }

    /// Runs that agents remember and the journal does not.
    pub fn unknown_runs(&self) -> BTreeSet<RunId> {
        self.agents.runs().into_iter().filter(|run| !self.store.knows(run)).collect()
    }

    pub fn subscribe(&self) -> watch::Receiver<FenceState> {
        self.state.subscribe()
    }

    /// From now on this coordinator only reads.
    pub fn lose(&self, why: String) {
        tracing::error!(why, "this coordinator only reads from now on");
        self.state.send_replace(FenceState::Lost(why));
    }

    /// Claims until it holds, then keeps still.
    pub async fn keep(self: Arc<Self>, poll: Duration, stop: CancellationToken) {
        let claim = async {
            loop {
                if matches!(*self.state.borrow(), FenceState::Claiming(_))
                    && let Err(why) = self.claim().await
                {
                    self.state.send_replace(FenceState::Claiming(why));
                }
                tokio::time::sleep(poll).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = claim => {}
        }
    }

    /// Claims with whoever is there: an operator's word that no other coordinator lives.
    pub async fn takeover(&self) -> Result<String, Failure> {
        let planes = self.control_planes().await;
        let epoch = self.next();
        let (accepted, missing) = self.ask(&planes, &epoch).await;
        if accepted.is_empty() {
            let text = format!("no control-plane agent accepted epoch {epoch}: {}", missing.join("; "));
            return Err(Failure::transient("takeover-failed", text));
        }
        let text =
            format!("epoch {epoch} held with {} of {} control-plane agents", accepted.len(), planes.len());
        self.hold(epoch, accepted).map_err(|why| Failure::permanent("journal", why))?;
        Ok(text)
    }

    async fn claim(&self) -> Result<(), String> {
        let planes = self.control_planes().await;
        let there = planes.iter().filter(|n| self.agents.ledger(n).is_some()).count();
        if planes.is_empty() || there * 2 <= planes.len() {
            return Err(format!(
                "{there} of {} control-plane agents are connected: a majority must hold this coordinator's epoch",
                planes.len()
            ));
        }
        let epoch = self.next();
        let (accepted, missing) = self.ask(&planes, &epoch).await;
        if accepted.len() * 2 <= planes.len() {
            return Err(format!(
                "{} of {} control-plane agents accepted epoch {epoch}: {}",
                accepted.len(),
                planes.len(),
                missing.join("; ")
            ));
        }
        self.hold(epoch, accepted)
    }

    fn hold(&self, epoch: Epoch, acknowledged: Vec<NodeName>) -> Result<(), String> {
        self.store.set_epoch(Some(epoch.clone()));
        let event = Event::EpochClaimed { epoch: epoch.clone(), acknowledged };
        if let Err(error) = self.store.append(None, event) {
            self.store.set_epoch(None);
            return Err(error.to_string());
        }
        tracing::info!(%epoch, "epoch held");
        self.state.send_replace(FenceState::Held(epoch));
        Ok(())
    }

    /// Asks all of them: (who accepted, why the others did not).
    async fn ask(&self, planes: &BTreeSet<NodeName>, epoch: &Epoch) -> (Vec<NodeName>, Vec<String>) {
        let answers =
            join_all(planes.iter().map(|node| async move { (node, self.agents.claim(node, epoch).await) }));
        let (mut accepted, mut missing) = (Vec::new(), Vec::new());
        for (node, answer) in answers.await {
            match answer {
                Ok(true) => accepted.push(node.clone()),
                Ok(false) => missing.push(format!("{node} holds a higher one")),
                Err(failure) => missing.push(failure.message),
            }
        }
        (accepted, missing)
    }

    /// One more than any that is known; the same again where it is ours already.
    fn next(&self) -> Epoch {
        let said = self.agents.seen().into_iter().filter_map(|n| self.agents.epoch(&n.facts.node));
        let highest = said.chain(self.store.last_epoch()).max_by_key(|e| e.number);
        match highest {
            Some(ours) if ours.instance == self.instance => ours,
            other => Epoch { number: other.map_or(0, |e| e.number) + 1, instance: self.instance.clone() },
        }
    }

    /// As the journal, the cluster and the agents know them, together: whoever is missing counts.
    async fn control_planes(&self) -> BTreeSet<NodeName> {
        let mut out = BTreeSet::new();
        if let Some(state) = self.store.newest() {
            let planes = state.plan.inventory.nodes.iter().filter(|n| n.role == NodeRole::ControlPlane);
            out.extend(planes.map(|n| n.name.clone()));
        }
        let nobody = Epoch { number: 0, instance: self.instance.clone() };
        if let Ok(ClusterReply::Nodes(nodes)) = self.cluster.call(&ClusterCall::Nodes, &nobody).await {
            out.extend(nodes.into_iter().filter(|n| n.control_plane).map(|n| n.name));
        }
        let seen = self.agents.seen().into_iter().filter(|n| !n.facts.manifests.is_empty());
        out.extend(seen.map(|n| n.facts.node.clone()));
        out
    }
}
