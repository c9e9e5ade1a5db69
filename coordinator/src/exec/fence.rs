//! Decides whether this coordinator commands. It claims the epoch from a majority of the control-plane agents, and loses it when one of
//! them reports that another coordinator holds a higher one. Without the epoch it reads and shows, and starts nothing. Epochs and
//! remembered runs count only from nodes that the cluster or the journal knows as control plane. Until one such node is known, nothing is
//! claimed. A number that no coordinator can have reached is not accepted as an epoch.

use super::marks;
use super::planes::Planes;
use crate::cluster::{Cluster, JUMP};
use crate::dispatch::Agents;
use crate::store::Store;
use futures_util::future::join_all;
use podlift_engine::machine::Event;
use podlift_model::{Epoch, Failure, InstanceId, NodeName, RunId, codes};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the cluster is asked for the control-plane nodes while nothing else asks.
const ROLES: Duration = Duration::from_secs(30);
/// A takeover follows no number above this, so that higher numbers remain.
const HIGHEST: u64 = i64::MAX as u64 - JUMP;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FenceState {
    /// Not held yet; the reason.
    Claiming(String),
    Held(Epoch),
    /// Lost, or never held; the reason. Only `podlift takeover` changes this state.
    Lost(String),
}

pub struct Fence {
    state: watch::Sender<FenceState>,
    store: Arc<Store>,
    agents: Arc<dyn Agents>,
    planes: Planes,
    instance: InstanceId,
    /// The head node whose agent answers for BCM. It has no vote.
    head: Option<NodeName>,
}

/// A node whose epoch is not followed, and why.
type Strange = (NodeName, String);

impl Fence {
    pub fn new(
        store: Arc<Store>,
        (agents, cluster): (Arc<dyn Agents>, Arc<dyn Cluster>),
        instance: InstanceId,
        head: Option<NodeName>,
    ) -> Arc<Self> {
        let state = watch::Sender::new(FenceState::Claiming("no control-plane agent was asked yet".into()));
        let planes = Planes::new(store.clone(), agents.clone(), cluster);
        Arc::new(Self { state, store, agents, planes, instance, head })
    }

    /// The epoch; `None` if this coordinator may not command.
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

    /// The reason why this coordinator only reads; `None` if it commands.
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

    /// Runs that agents of control-plane nodes remember and the journal does not.
    pub fn unknown_runs(&self) -> BTreeSet<RunId> {
        let planes = std::cell::OnceCell::new();
        let counts = |node: &NodeName| planes.get_or_init(|| self.planes.all()).contains(node);
        self.agents.runs_of(&counts).into_iter().filter(|run| !self.store.knows(run)).collect()
    }

    /// Checks whether this node's agent can end our command by reporting an epoch. Err holds the reason why it cannot.
    pub fn heeds(&self, node: &NodeName) -> Result<(), Failure> {
        let told = self.agents.epoch(node).map_or("a higher one".into(), |e| e.to_string());
        let refused = |why: String| {
            let text = format!("the agent of {node} accepts only epoch {told}: {why}");
            Err(Failure::operator(codes::EPOCH_REFUSED, text))
        };
        if !self.planes.all().contains(node) {
            return refused(format!(
                "neither the cluster nor the journal knows {node} as a control-plane node, so that only its own step fails; podlift defer {node} leaves the node out"
            ));
        }
        match self.strange(node) {
            None => Ok(()),
            Some(why) => refused(why),
        }
    }

    /// The reason why this node's epoch was not reached by counting; `None` if it is plausible.
    fn strange(&self, node: &NodeName) -> Option<String> {
        let (said, known) = (self.agents.epoch(node)?.number, self.known());
        let far = said > known.saturating_add(JUMP);
        far.then(|| {
            format!(
                "{node} reports epoch {said}, and the highest one in this journal is {known}: no coordinator counts further than {JUMP} above it, and the vote of {node} does not count; look at that node, and use podlift takeover if the number is right"
            )
        })
    }

    /// The highest number of the journal.
    fn known(&self) -> u64 {
        self.store.last_epoch().map_or(0, |e| e.number)
    }

    pub fn subscribe(&self) -> watch::Receiver<FenceState> {
        self.state.subscribe()
    }

    /// Makes this coordinator read-only from now on.
    pub fn lose(&self, why: String) {
        tracing::error!(why, "this coordinator only reads from now on");
        self.state.send_replace(FenceState::Lost(why));
    }

    /// Claims until the epoch is held, and asks from time to time which nodes are control plane.
    pub async fn keep(self: Arc<Self>, poll: Duration, stop: CancellationToken) {
        let claim = async {
            let mut heard = tokio::time::Instant::now();
            loop {
                if matches!(*self.state.borrow(), FenceState::Claiming(_)) {
                    if let Err(why) = self.claim().await {
                        self.state.send_replace(FenceState::Claiming(why));
                    }
                } else if heard.elapsed() >= ROLES {
                    heard = tokio::time::Instant::now();
                    self.planes.refresh().await;
                }
                tokio::time::sleep(poll).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = claim => {}
        }
    }

    /// Claims with the agents that are connected. The operator vouches that no other coordinator lives, and that the agents' numbers are
    /// true. If neither the cluster nor the journal knows the control-plane nodes, it asks the agents that report themselves as control
    /// plane.
    pub async fn takeover(&self) -> Result<String, Failure> {
        self.planes.refresh().await;
        let known = self.planes.all();
        let planes = if known.is_empty() { self.planes.self_declared() } else { known };
        let failed = |text: String| Failure::transient("takeover-failed", text);
        let marks = marks::read(self.planes.cluster()).await;
        // The agent of the head node has no vote, but it refuses an epoch below the one that it holds.
        let holders = planes.iter().chain(&self.head).cloned().collect();
        let (epoch, strange) = self.next(&holders, HIGHEST, marks.highest(HIGHEST)).map_err(failed)?;
        let (accepted, missing) = self.ask(&planes, &epoch, strange).await;
        if accepted.is_empty() {
            return Err(failed(format!(
                "no control-plane agent accepted epoch {epoch}: {}",
                missing.join("; ")
            )));
        }
        let found = match marks.lines() {
            lines if lines.is_empty() => "no mark of another coordinator in the cluster".into(),
            lines => lines.join("; "),
        };
        let text = format!(
            "epoch {epoch} held with {} of {} control-plane agents; found: {found}",
            accepted.len(),
            planes.len()
        );
        self.hold(epoch, accepted).map_err(|why| Failure::permanent("journal", why))?;
        Ok(text)
    }

    async fn claim(&self) -> Result<(), String> {
        self.planes.refresh().await;
        let planes = self.planes.all();
        if planes.is_empty() {
            return Err("neither the cluster nor the journal names the control-plane nodes, of which a majority must hold this coordinator's epoch; does the API answer? (podlift takeover asks the agents that report themselves as control plane)".into());
        }
        let there = planes.iter().filter(|n| self.agents.ledger(n).is_some()).count();
        if there * 2 <= planes.len() {
            return Err(format!(
                "{there} of {} control-plane agents are connected: a majority must hold this coordinator's epoch",
                planes.len()
            ));
        }
        let (epoch, strange) = self.next(&planes, self.known().saturating_add(JUMP), None)?;
        let (accepted, missing) = self.ask(&planes, &epoch, strange).await;
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

    /// Asks all nodes but those whose number is not followed. Returns the nodes that accepted, and why the others did not.
    async fn ask(
        &self,
        planes: &BTreeSet<NodeName>,
        epoch: &Epoch,
        strange: Vec<Strange>,
    ) -> (Vec<NodeName>, Vec<String>) {
        let asked = planes.iter().filter(|n| !strange.iter().any(|(s, _)| s == *n));
        let answers = join_all(asked.map(|node| async move { (node, self.agents.claim(node, epoch).await) }));
        let (mut accepted, mut missing) = (Vec::new(), Vec::new());
        for (node, answer) in answers.await {
            match answer {
                Ok(true) => accepted.push(node.clone()),
                Ok(false) => {
                    missing.push(self.strange(node).unwrap_or(format!("{node} holds a higher epoch")))
                }
                Err(failure) => missing.push(failure.message),
            }
        }
        for (node, why) in &strange {
            tracing::error!(%node, "{why}");
        }
        missing.extend(strange.into_iter().map(|(_, why)| why));
        (accepted, missing)
    }

    /// One more than the highest number of the journal, of these nodes up to `limit` and of the mark in the cluster; the same number if it
    /// is ours already. Also returns the nodes that report more than `limit`.
    fn next(
        &self,
        planes: &BTreeSet<NodeName>,
        limit: u64,
        mark: Option<&Epoch>,
    ) -> Result<(Epoch, Vec<Strange>), String> {
        let (mut highest, mut strange) = (self.store.last_epoch(), Vec::new());
        if let Some(mark) = mark.filter(|m| highest.as_ref().is_none_or(|h| m.number >= h.number)) {
            highest = Some(mark.clone());
        }
        for (node, epoch) in planes.iter().filter_map(|n| Some((n, self.agents.epoch(n)?))) {
            if epoch.number > limit {
                let why = || {
                    format!("{node} reports epoch {}, and no coordinator can have one above it", epoch.number)
                };
                strange.push((node.clone(), self.strange(node).unwrap_or_else(why)));
            } else if highest.as_ref().is_none_or(|h| epoch.number >= h.number) {
                highest = Some(epoch);
            }
        }
        if let Some(ours) = highest.as_ref().filter(|e| e.instance == self.instance) {
            return Ok((ours.clone(), strange));
        }
        let number = highest.map_or(0, |e| e.number).checked_add(1);
        let number = number
            .ok_or("the journal's own epoch is the highest possible number, and no epoch can follow it")?;
        Ok((Epoch { number, instance: self.instance.clone() }, strange))
    }
}

#[cfg(test)]
#[path = "fence_tests.rs"]
mod tests;
