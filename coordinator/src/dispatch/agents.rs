//! The port to the agents, as the executor and the planner see them. Nothing here decides what to send.

use async_trait::async_trait;
use podlift_engine::view::SeenNode;
use podlift_model::{Epoch, Failure, HostOp, LedgerId, Look, NodeName, OpId, OpOutcome, OpOutput, RunId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Code of the failure that says: nothing is known of that agent now. Always transient.
pub const UNREACHABLE: &str = "agent-unreachable";
/// Code of an agent's refusal: another coordinator has a higher epoch.
pub const EPOCH_STALE: &str = "epoch-stale";

/// Takes a running op's lines for people.
pub type Progress = Arc<dyn Fn(String) + Send + Sync>;

/// What an agent's memory says of an op.
#[derive(Debug, Clone, PartialEq)]
pub enum Looked {
    /// It never started there, as far as this memory goes.
    Unknown {
        ledger: LedgerId,
    },
    Running {
        ledger: LedgerId,
    },
    Ended {
        ledger: LedgerId,
        outcome: OpOutcome,
    },
}

impl Looked {
    pub fn ledger(&self) -> &LedgerId {
        match self {
            Looked::Unknown { ledger } | Looked::Running { ledger } | Looked::Ended { ledger, .. } => ledger,
        }
    }
}

#[async_trait]
pub trait Agents: Send + Sync {
    /// Every node of which an agent was seen since the start, by name.
    fn seen(&self) -> Vec<SeenNode>;
    /// Random name of the memory of a connected agent; None: it is not connected.
    fn ledger(&self, node: &NodeName) -> Option<LedgerId>;
    /// The highest epoch that a connected agent said it has accepted.
    fn epoch(&self, node: &NodeName) -> Option<Epoch>;
    /// Since when an agent has been connected without a break; None: it is not, or nobody counts.
    fn connected_since(&self, _node: &NodeName) -> Option<jiff::Timestamp> {
        None
    }
    /// Runs that agents remember.
    fn runs(&self) -> BTreeSet<RunId>;
    /// Those of them that the agent of a node that counts remembers.
    fn runs_of(&self, _counts: &dyn Fn(&NodeName) -> bool) -> BTreeSet<RunId> {
        self.runs()
    }
    /// Who is control plane (true) and who is a worker, as the cluster says: never as an agent says.
    fn told_roles(&self, _roles: &BTreeMap<NodeName, bool>) {}
    /// Agents that were turned away, or that say what their node can't be, and why.
    fn refused(&self) -> BTreeMap<NodeName, String>;

    /// A read-only look.
    async fn observe(&self, node: &NodeName, look: &Look) -> Result<OpOutput, Failure>;

    /// Sends an op and waits for its end, across reconnects. Err(`agent-unreachable`): the end is not known, ask `lookup` later.
    /// Any other Err: the agent refused, the op never started. An agent that lost its memory meanwhile: Ok(Indeterminate).
    async fn run(
        &self,
        node: &NodeName,
        op_id: &OpId,
        epoch: &Epoch,
        op: &HostOp,
        progress: Progress,
    ) -> Result<OpOutcome, Failure>;

    /// What the agent remembers of an op.
    async fn lookup(&self, node: &NodeName, op_id: &OpId) -> Result<Looked, Failure>;

    /// Makes the agent write the epoch down. Ok(false): it holds a higher one.
    async fn claim(&self, node: &NodeName, epoch: &Epoch) -> Result<bool, Failure>;
}

pub fn unreachable(node: &NodeName, why: &str) -> Failure {
    Failure::transient(
        UNREACHABLE,
        format!(
            "the agent of {node} can't be reached: {why}; see systemctl status podlift-agent on that node"
        ),
    )
}
