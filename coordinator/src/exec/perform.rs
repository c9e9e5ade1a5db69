//! Carries out probes and acts of the engine. Looks run in parallel, and each act has its op id.

use super::route::{HeadLooks, shown_at};
use crate::backup::{Backups, Order, World};
use crate::cluster::{Cluster, FENCED};
use crate::dispatch::{Agents, EPOCH_STALE, Progress};
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use podlift_engine::{Act, ClusterAct, Probe, Reply, VaultAct, VaultLook};
use podlift_model::{Epoch, Failure, FailureClass, HostOp, NodeName, OpId, OpOutcome};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Concurrent looks of one probe.
const AT_ONCE: usize = 256;

/// The last progress line of the op on each node, for people, and the nodes at which the coordinator itself changes the cluster.
#[derive(Clone, Default)]
pub struct Lines {
    lines: Arc<Mutex<BTreeMap<NodeName, String>>>,
    changing: Arc<watch::Sender<BTreeMap<NodeName, u32>>>,
}

/// How long a change that was told to stop may take to do so.
const STOPS: Duration = Duration::from_secs(10);

impl Lines {
    pub fn of(&self, node: &NodeName) -> Option<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).get(node).cloned()
    }
    /// Waits until the coordinator changes nothing about this node in the cluster.
    pub(crate) async fn until_idle(&self, node: &NodeName) {
        let mut changing = self.changing.subscribe();
        let idle = changing.wait_for(|nodes| !nodes.contains_key(node));
        drop(tokio::time::timeout(STOPS, idle).await);
    }
    fn set(&self, node: &NodeName, line: Option<String>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        match line {
            Some(line) => drop(lines.insert(node.clone(), line)),
            None => drop(lines.remove(node)),
        }
    }
    fn sink(&self, node: &NodeName) -> Progress {
        let (lines, node) = (self.clone(), node.clone());
        Arc::new(move |line| lines.set(&node, Some(line)))
    }
    /// A line of the node that disappears with the returned value, also if the change is stopped.
    pub(super) fn shown(&self, node: Option<&NodeName>) -> Shown {
        if let Some(node) = node {
            self.changing.send_modify(|nodes| *nodes.entry(node.clone()).or_default() += 1);
        }
        Shown { lines: self.clone(), node: node.cloned() }
    }
    fn gone(&self, node: &NodeName) {
        self.set(node, None);
        self.changing.send_modify(|nodes| {
            let left = nodes.get_mut(node).map_or(0, |count| {
                *count = count.saturating_sub(1);
                *count
            });
            if left == 0 {
                nodes.remove(node);
            }
        });
    }
}

pub(super) struct Shown {
    lines: Lines,
    node: Option<NodeName>,
}

impl Shown {
    pub fn say(&self, line: String) {
        if let Some(node) = &self.node {
            self.lines.set(node, Some(line));
        }
    }
    fn sink(&self) -> Progress {
        match &self.node {
            Some(node) => self.lines.sink(node),
            None => Arc::new(drop),
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(node) = &self.node {
            self.lines.gone(node);
        }
    }
}

/// The result of a mutation.
#[derive(Debug)]
pub(super) enum Acted {
    Ended(OpOutcome),
    /// It may have started or not. The agent's memory must be asked.
    NotKnown(Failure),
    /// Another coordinator commands.
    Fenced(Failure),
}

#[derive(Clone)]
pub struct Performer {
    pub agents: Arc<dyn Agents>,
    pub cluster: Arc<dyn Cluster>,
    pub lines: Lines,
    pub backups: Arc<Backups>,
    /// The head node whose agent answers for BCM now; `None` if the configuration names none.
    pub head: Option<NodeName>,
    pub head_looks: HeadLooks,
}

impl Performer {
    /// Runs a probe. If several looks fail, a permanent failure takes precedence over a transient one.
    pub fn probe<'a>(&'a self, probe: &'a Probe) -> BoxFuture<'a, Result<Reply, Failure>> {
        async move {
            match probe {
                Probe::Node(planned, look) => {
                    self.see(planned, look).await.map(|output| Reply::Node(Box::new(output)))
                }
                Probe::Cluster(look) => self.cluster.look(look).await.map(Reply::Cluster),
                Probe::Vault(VaultLook::Backup { run }) => {
                    let made = self.backups.sealed(run.as_str(), None).await?;
                    Ok(Reply::Vault(made.map(|m| m.view())))
                }
                Probe::All(probes) => {
                    let looks: Vec<_> = probes.iter().map(|p| self.probe(p)).collect();
                    all(futures_util::stream::iter(looks).buffered(AT_ONCE).collect().await)
                }
            }
        }
        .boxed()
    }

    pub(super) async fn act(&self, act: &Act, op_id: &OpId, epoch: &Epoch) -> Acted {
        match act {
            Act::Node(node, op) => self.on_host(node, op, op_id, epoch).await,
            Act::Cluster(act) => self.in_cluster(act, epoch).await,
            Act::Vault(act) => match self.in_vault(act, epoch).await {
                Ok(line) => Acted::Ended(OpOutcome::changed(line)),
                Err(failure) => Acted::Ended(OpOutcome::Failed { failure }),
            },
        }
    }

    async fn in_cluster(&self, act: &ClusterAct, epoch: &Epoch) -> Acted {
        let line = self.lines.shown(at_node(act));
        match self.cluster.act_told(act, epoch, &line.sink()).await {
            Ok(line) => Acted::Ended(OpOutcome::changed(line)),
            Err(failure) if failure.code == FENCED => Acted::Fenced(failure),
            Err(failure) => Acted::Ended(OpOutcome::Failed { failure }),
        }
    }

    async fn in_vault(&self, act: &VaultAct, epoch: &Epoch) -> Result<String, Failure> {
        let VaultAct::Collect { run, nodes } = act;
        let world = World { agents: self.agents.as_ref(), cluster: self.cluster.as_ref(), epoch };
        let made = self.backups.collect(&Order::of_run(run, nodes), world, Arc::new(|_| ())).await?;
        let view = made.view();
        Ok(format!("{}, sealed as {}", podlift_model::count(view.members, "member"), view.sha256.short()))
    }

    /// Makes sure that the agent holds our epoch. An agent that lost its memory or connected late does not.
    pub(crate) async fn claim(&self, node: &NodeName, epoch: &Epoch) -> Result<(), Failure> {
        if self.agents.epoch(node).as_ref() == Some(epoch) {
            return Ok(());
        }
        match self.agents.claim(node, epoch).await? {
            true => Ok(()),
            false => Err(self.stale(node, epoch)),
        }
    }

    fn stale(&self, node: &NodeName, epoch: &Epoch) -> Failure {
        let highest =
            self.agents.epoch(node).filter(|e| e != epoch).map_or("a higher one".into(), |e| e.to_string());
        let text = format!(
            "the agent of {node} accepts only epoch {highest}, ours is {epoch}: another coordinator commands; `podlift takeover` if it is gone for good"
        );
        Failure::operator(EPOCH_STALE, text)
    }

    async fn on_host(&self, planned: &NodeName, op: &HostOp, op_id: &OpId, epoch: &Epoch) -> Acted {
        let agent = self.agent(planned, op.is_of_head());
        let shown = shown_at(&agent.name, op);
        let ended = self.agents.run(&agent.name, op_id, epoch, op, self.lines.sink(shown)).await;
        self.lines.set(shown, None);
        if agent.head {
            self.head_looks.op_ended();
        }
        match ended.map_err(|failure| agent.failed(failure)) {
            Ok(outcome) => Acted::Ended(outcome),
            // The agent is gone or busy with another op. The same op id is looked up, and resent if necessary.
            Err(failure) if failure.class == FailureClass::Transient => Acted::NotKnown(failure),
            Err(failure) if failure.code == EPOCH_STALE => Acted::Fenced(self.stale(&agent.name, epoch)),
            Err(failure) => Acted::Ended(OpOutcome::Failed { failure }),
        }
    }
}

/// The node that a change in the cluster concerns.
fn at_node(act: &ClusterAct) -> Option<&NodeName> {
    match act {
        ClusterAct::Cordon { node, .. }
        | ClusterAct::Uncordon { node, .. }
        | ClusterAct::SoftTaint { node, .. }
        | ClusterAct::SoftUntaint { node, .. }
        | ClusterAct::Warn { node, .. }
        | ClusterAct::Drain { node, .. } => Some(node),
        ClusterAct::WriteKubeadmConfig { .. }
        | ClusterAct::WriteKubeletConfig { .. }
        | ClusterAct::RestoreService { .. }
        | ClusterAct::RestoreSecret { .. }
        | ClusterAct::RestartRollout { .. }
        | ClusterAct::RemoveOperator { .. } => None,
    }
}

fn all(replies: Vec<Result<Reply, Failure>>) -> Result<Reply, Failure> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for reply in replies {
        match reply {
            Ok(reply) => good.push(reply),
            Err(failure) => bad.push(failure),
        }
    }
    let worst = bad.iter().position(|f| f.class != FailureClass::Transient).unwrap_or(0);
    if bad.is_empty() { Ok(Reply::All(good)) } else { Err(bad.swap_remove(worst)) }
}
