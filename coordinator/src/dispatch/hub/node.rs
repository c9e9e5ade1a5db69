//! One node as the hub knows it, and its session while it has one.

use super::identity::Machine;
use jiff::Timestamp;
use podlift_engine::view::SeenNode;
use podlift_model::{Epoch, Failure, LedgerId, NodeFacts, OpId, OpOutcome, RunId};
use podlift_proto::v1;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Boxed: a channel has room for 32 of them from its beginning, and ten thousand sessions have a channel each.
pub(super) type Outgoing = Result<Box<v1::ToAgent>, tonic::Status>;

/// What an agent is the agent of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Node,
    /// Of the BCM head node, which is no node of the cluster: it is asked by its name and stands in no list of nodes.
    Head,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Head => "head node",
        }
    }
}

/// What remains of a node when its session ends.
pub(super) struct Node {
    pub kind: Kind,
    pub machine: Machine,
    pub facts: Arc<NodeFacts>,
    pub at: Timestamp,
    pub epoch: Option<Epoch>,
    pub runs: Vec<RunId>,
    pub session: Option<Live>,
    /// Its loss was journaled: so must its return be.
    pub lost: bool,
    /// Who waits for which op; survives the session.
    pub ops: BTreeMap<OpId, mpsc::Sender<OpWord>>,
}

/// A session with what dies with it.
pub(super) struct Live {
    pub session: Session,
    pub since: Timestamp,
    /// Questions by number; dropping one tells who asked that no answer comes.
    pub questions: BTreeMap<u64, oneshot::Sender<Answer>>,
    /// Cancels `session.gone`.
    pub _guard: DropGuard,
}

/// What others may hold of a session.
#[derive(Clone)]
pub(super) struct Session {
    pub id: u64,
    pub ledger: LedgerId,
    pub send: mpsc::Sender<Outgoing>,
    pub gone: CancellationToken,
}

/// An answer to a numbered question.
#[derive(Debug)]
pub(super) enum Answer {
    Report(v1::OpReport),
    Epoch(v1::EpochReply),
    Lookup(v1::LookupReply),
}

/// What is heard of an op.
#[derive(Debug)]
pub(super) enum OpWord {
    Progress(String),
    Outcome(OpOutcome),
    Refused(Failure),
}

impl Node {
    pub fn seen(&self) -> SeenNode {
        SeenNode { facts: self.facts.clone(), at: self.at, connected: self.session.is_some() }
    }
}
