//! The small fleet of the coordinator's tests with ops that take time: each on a cordoned node as long as the node and the op's verb say.

use super::slots::Slots;
use async_trait::async_trait;
use bytes::Bytes;
use podlift_coordinator::Agents;
use podlift_coordinator::cluster::Cluster;
use podlift_coordinator::dispatch::{Looked, Progress};
use podlift_coordinator::testing::Fleet;
use podlift_engine::doors::{ApiProbe, ClusterAct, ClusterLook, ClusterReply};
use podlift_engine::view::SeenNode;
use podlift_model::bcm::BcmOp;
use podlift_model::{
    Digest, Epoch, Failure, HostOp, LedgerId, Look, NodeName, OpId, OpOutcome, OpOutput, RunId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Seconds by verb; anything else takes none.
const LENGTHS: &[(&str, f64)] = &[
    ("drain", 120.0),
    ("package-install", 90.0),
    ("bcm-sync-dry-run", 30.0),
    (SYNC, 300.0),
    ("kubeadm-node", 60.0),
    ("kubelet-restart", 180.0),
];
/// The op that takes a slot of a provisioner.
pub const SYNC: &str = "bcm-sync";
/// A length varies by so much in both directions.
const SPREAD: f64 = 0.4;

pub struct Timed {
    fleet: Arc<Fleet>,
    /// Seconds of the ops of each node, by verb.
    lanes: Mutex<BTreeMap<NodeName, BTreeMap<String, f64>>>,
    slots: Slots,
}

impl Timed {
    pub fn new(fleet: Arc<Fleet>) -> Self {
        Self { slots: Slots::new(fleet.clone()), fleet, lanes: Mutex::default() }
    }

    /// The most imageupdates that were asked for and not over at one time.
    pub fn syncs_at_once(&self) -> u32 {
        self.slots.most()
    }

    /// What the ops of each node took, by verb.
    pub fn lanes(&self) -> BTreeMap<NodeName, BTreeMap<String, f64>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, node: &NodeName, verb: &str, seconds: f64) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        *lanes.entry(node.clone()).or_default().entry(verb.into()).or_default() += seconds;
    }

    async fn pass(&self, node: &NodeName, verb: &str) {
        let cordoned = self.fleet.lock().views.get(node).is_some_and(|v| v.unschedulable);
        let Some((_, mean)) = LENGTHS.iter().find(|(known, _)| *known == verb && cordoned) else { return };
        let seconds = mean * (1.0 + SPREAD * (2.0 * chance(node, verb) - 1.0));
        self.count(node, verb, seconds);
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    }
}

/// Between 0 and 1, the same for the same node and verb.
fn chance(node: &NodeName, verb: &str) -> f64 {
    let digest = Digest::of(format!("{node}/{verb}"));
    let number = u32::from_str_radix(&digest.as_str()[..8], 16).unwrap_or(0);
    f64::from(number) / f64::from(u32::MAX)
}

#[async_trait]
impl Agents for Timed {
    fn seen(&self) -> Vec<SeenNode> {
        self.fleet.seen()
    }
    fn ledger(&self, node: &NodeName) -> Option<LedgerId> {
        self.fleet.ledger(node)
    }
    fn epoch(&self, node: &NodeName) -> Option<Epoch> {
        Agents::epoch(self.fleet.as_ref(), node)
    }
    fn runs(&self) -> BTreeSet<RunId> {
        self.fleet.runs()
    }
    fn runs_of(&self, counts: &dyn Fn(&NodeName) -> bool) -> BTreeSet<RunId> {
        self.fleet.runs_of(counts)
    }
    fn refused(&self) -> BTreeMap<NodeName, String> {
        self.fleet.refused()
    }
    async fn observe(&self, node: &NodeName, look: &Look) -> Result<OpOutput, Failure> {
        self.fleet.observe(node, look).await
    }
    async fn run(
        &self,
        node: &NodeName,
        op_id: &OpId,
        epoch: &Epoch,
        op: &HostOp,
        progress: Progress,
    ) -> Result<OpOutcome, Failure> {
        match op {
            HostOp::Bcm(BcmOp::Sync { node, .. }) => {
                let _slot = self.slots.take().await;
                self.pass(node, SYNC).await;
            }
            HostOp::Bcm(BcmOp::SyncDryRun { node, .. }) => self.pass(node, op.verb()).await,
            _ => self.pass(node, op.verb()).await,
        }
        self.fleet.run(node, op_id, epoch, op, progress).await
    }
    async fn lookup(&self, node: &NodeName, op_id: &OpId) -> Result<Looked, Failure> {
        self.fleet.lookup(node, op_id).await
    }
    async fn claim(&self, node: &NodeName, epoch: &Epoch) -> Result<bool, Failure> {
        self.fleet.claim(node, epoch).await
    }
}

#[async_trait]
impl Cluster for Timed {
    async fn look(&self, look: &ClusterLook) -> Result<ClusterReply, Failure> {
        self.fleet.look(look).await
    }
    async fn act(&self, act: &ClusterAct, epoch: &Epoch) -> Result<String, Failure> {
        if let ClusterAct::Drain { node, .. } = act {
            self.pass(node, "drain").await;
        }
        self.fleet.act(act, epoch).await
    }
    async fn read_at(&self, endpoint: &str) -> ApiProbe {
        self.fleet.read_at(endpoint).await
    }
    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure> {
        self.fleet.raw(path, query).await
    }
}
