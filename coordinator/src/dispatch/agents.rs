//! The port to the agents, as the executor and the planner use it. It does not decide what to send.

use async_trait::async_trait;
use podlift_engine::view::SeenNode;
use podlift_model::{Epoch, Failure, HostOp, LedgerId, Look, NodeName, OpId, OpOutcome, OpOutput, RunId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Code of the failure that nothing is known of that agent now. The failure is always transient.
pub const UNREACHABLE: &str = podlift_model::codes::AGENT_UNREACHABLE;
/// Code of the failure that the agent of the head node can't be reached now. The failure is always transient.
pub const HEAD_UNREACHABLE: &str = "head-unreachable";
/// Code of an agent's refusal: another coordinator has a higher epoch.
pub const EPOCH_STALE: &str = podlift_model::codes::EPOCH_STALE;

/// Receives the progress lines of a running op, for people to read.
pub type Progress = Arc<dyn Fn(String) + Send + Sync>;

/// What an agent's memory holds about an op.
#[derive(Debug, Clone, PartialEq)]
pub enum Looked {
    /// The op never started there, as far as this memory goes back.
    Unknown {
        ledger: LedgerId,
    },
    Running {
        ledger: LedgerId,
    },
    Ended {
        ledger: LedgerId,
        outcome: Box<OpOutcome>,
    },
}

impl Looked {
    pub fn ledger(&self) -> &LedgerId {
        match self {
            Looked::Unknown { ledger } | Looked::Running { ledger } | Looked::Ended { ledger, .. } => ledger,
        }
    }
}

/// What agents answer under a name. The agent of a head node runs ops and remembers them like that of a node, and is in no list of nodes.
#[async_trait]
pub trait Agents: Send + Sync {
    /// Every node whose agent was seen since the start, by name.
    fn seen(&self) -> Vec<SeenNode>;
    /// Random name of the memory of a connected agent; `None` if the agent is not connected.
    fn ledger(&self, node: &NodeName) -> Option<LedgerId>;
    /// The highest epoch that a connected agent has reported as accepted.
    fn epoch(&self, node: &NodeName) -> Option<Epoch>;
    /// Start of the agent's unbroken connection; `None` if it is not connected, or if the implementation does not count.
    fn connected_since(&self, _node: &NodeName) -> Option<jiff::Timestamp> {
        None
    }
    /// Runs that agents remember.
    fn runs(&self) -> BTreeSet<RunId>;
    /// Those of them that the agents of the nodes accepted by `counts` remember.
    fn runs_of(&self, _counts: &dyn Fn(&NodeName) -> bool) -> BTreeSet<RunId> {
        self.runs()
    }
    /// Passes on which nodes are control plane (true) and which are workers. The roles come from the cluster, never from an agent.
    fn told_roles(&self, _roles: &BTreeMap<NodeName, bool>) {}
    /// Agents that were refused, or that report what their node cannot be, each with the reason.
    fn refused(&self) -> BTreeMap<NodeName, String>;

    /// A read-only observation.
    async fn observe(&self, node: &NodeName, look: &Look) -> Result<OpOutput, Failure>;

    /// Sends an op and waits for its end, across reconnects. Err(`agent-unreachable`) means that the end is not known; ask `lookup` later.
    /// Any other Err means that the agent refused and the op never started. If the agent lost its memory meanwhile, the result is
    /// Ok(Indeterminate).
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

    /// Makes the agent store the epoch. Ok(false) if it holds a higher one.
    async fn claim(&self, node: &NodeName, epoch: &Epoch) -> Result<bool, Failure>;
}

const HINT: &str = "; see systemctl status podlift-agent on that node";

fn away(node: &NodeName) -> String {
    format!("the agent of {node} can't be reached: ")
}

pub fn unreachable(node: &NodeName, why: &str) -> Failure {
    Failure::transient(UNREACHABLE, format!("{}{why}{HINT}", away(node)))
}

/// The same failure for the agent of a head node, whose machine is no node of the cluster. Other failures stay as they are.
pub fn head_unreachable(head: &NodeName, failure: Failure) -> Failure {
    if failure.code != UNREACHABLE {
        return failure;
    }
    let why = failure.message.strip_prefix(&away(head)).unwrap_or(&failure.message);
    let why = why.strip_suffix(HINT).unwrap_or(why);
    Failure::transient(
        HEAD_UNREACHABLE,
        format!("waits for the agent of head node {head}: {why}; see systemctl status podlift-agent there"),
    )
}
