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

/// Boxed, because a channel allocates room for 32 messages at its creation, and each of ten thousand sessions has a channel.
pub(super) type Outgoing = Result<Box<v1::ToAgent>, tonic::Status>;

/// The kind of machine that an agent runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Node,
    /// The BCM head node, which is not a node of the cluster. It is asked by its name and appears in no list of nodes.
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
    /// The loss of its session is in the journal, so its return must be recorded too.
    pub lost: bool,
    /// The receivers of each op's messages; they survive the session.
    pub ops: BTreeMap<OpId, mpsc::Sender<OpWord>>,
}

/// A session, and the data that ends with it.
pub(super) struct Live {
    pub session: Session,
    pub since: Timestamp,
    /// Questions by number. Dropping a sender signals its caller that no answer will arrive.
    pub questions: BTreeMap<u64, oneshot::Sender<Answer>>,
    /// Cancels `session.gone`.
    pub _guard: DropGuard,
}

/// The part of a session that other tasks may hold.
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

/// A message about an op.
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
