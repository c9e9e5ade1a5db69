//! One op from sending to its end, across sessions. After a reconnect the hub asks the agent what it remembers. It resends the same op id
//! only if the same memory does not have a finished op of that id.

use super::Hub;
use super::node::{Kind as Of, OpWord, Session};
use crate::dispatch::{Looked, Progress, unreachable};
use podlift_common::wire;
use podlift_model::{Epoch, Failure, HostOp, LedgerId, NodeName, OpId, OpOutcome};
use podlift_proto::v1::{self, to_agent::Kind};
use tokio::sync::mpsc;

/// Messages of an op that may wait for its receiver. Progress is dropped before the last places are used, so that an end always fits.
const WORDS: usize = 64;
pub(super) const FOR_ENDS: usize = 16;

/// An op to send, repeatedly if necessary.
struct Sending<'a> {
    hub: &'a Hub,
    node: &'a NodeName,
    op_id: &'a OpId,
    epoch: &'a Epoch,
    op: &'a HostOp,
}

/// Receives the messages of an op until it is dropped.
struct Ear<'a> {
    hub: &'a Hub,
    node: &'a NodeName,
    op_id: &'a OpId,
    words: mpsc::Receiver<OpWord>,
}

impl Drop for Ear<'_> {
    fn drop(&mut self) {
        if let Some(node) = self.hub.nodes().get_mut(self.node) {
            node.ops.remove(self.op_id);
        }
    }
}

impl Hub {
    pub(super) async fn run_op(
        &self,
        node: &NodeName,
        op_id: &OpId,
        epoch: &Epoch,
        op: &HostOp,
        progress: Progress,
    ) -> Result<OpOutcome, Failure> {
        // A node runs no op of BCM, and a head node no other.
        let of = if op.is_of_head() { Of::Head } else { Of::Node };
        let mut session = self.session(node, of)?;
        let ledger = session.ledger.clone();
        let mut ear = self.listen(node, op_id);
        let sending = Sending { hub: self, node, op_id, epoch, op };
        sending.send(&session).await;
        loop {
            tokio::select! {
                word = ear.words.recv() => match word {
                    Some(OpWord::Progress(line)) => progress(line),
                    Some(OpWord::Outcome(outcome)) => return Ok(outcome),
                    Some(OpWord::Refused(failure)) => return Err(failure),
                    None => return Err(unreachable(node, "its session was forgotten")),
                },
                () = session.gone.cancelled() => {
                    session = self.next_session(node, of).await?;
                    if let Some(end) = sending.resume(&session, &ledger).await? {
                        return Ok(end);
                    }
                }
                // Asks for the end, because a lost message would otherwise block this loop for ever.
                () = tokio::time::sleep(self.settings.observe_timeout) => {
                    if let Some(end) = sending.resume(&session, &ledger).await? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    fn listen<'a>(&'a self, node: &'a NodeName, op_id: &'a OpId) -> Ear<'a> {
        let (send, words) = mpsc::channel(WORDS);
        if let Some(n) = self.nodes().get_mut(node) {
            n.ops.insert(op_id.clone(), send);
        }
        Ear { hub: self, node, op_id, words }
    }

    /// The next session of the node, if it begins in time.
    async fn next_session(&self, node: &NodeName, of: Of) -> Result<Session, Failure> {
        let mut changes = self.changes();
        let wait = async {
            loop {
                if let Ok(session) = self.session(node, of)
                    && !session.gone.is_cancelled()
                {
                    return session;
                }
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let late = |_| unreachable(node, "its session ended while an op ran, and it has not come back");
        tokio::time::timeout(self.settings.reconnect, wait).await.map_err(late)
    }
}

impl Sending<'_> {
    async fn send(&self, session: &Session) {
        let run = v1::RunOp {
            request: self.hub.number(),
            op_id: self.op_id.to_string(),
            epoch: Some(wire::epoch_to_wire(self.epoch)),
            op: Some(wire::op_to_wire(self.op)),
        };
        // If the session ends here, the waiting loop notices it.
        drop(session.send.send(Ok(Box::new(v1::ToAgent { kind: Some(Kind::RunOp(run)) }))).await);
    }

    /// The end of the op, if the agent knows it by now.
    async fn resume(&self, session: &Session, ledger: &LedgerId) -> Result<Option<OpOutcome>, Failure> {
        if session.ledger != *ledger {
            return Ok(Some(lost_memory(self.node, ledger, &session.ledger)));
        }
        match self.hub.ask_lookup(self.node, self.op_id).await {
            Ok(looked) if looked.ledger() != ledger => {
                Ok(Some(lost_memory(self.node, ledger, looked.ledger())))
            }
            Ok(Looked::Ended { outcome, .. }) => Ok(Some(*outcome)),
            // After a restart the agent reports the end only if it receives the same op id again. It does not start the op a second time.
            Ok(Looked::Running { .. } | Looked::Unknown { .. }) => {
                self.send(session).await;
                Ok(None)
            }
            // The session ended again; the loop notices it.
            Err(failure) if failure.code == crate::dispatch::UNREACHABLE => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

fn lost_memory(node: &NodeName, before: &LedgerId, now: &LedgerId) -> OpOutcome {
    let why =
        format!("the agent of {node} lost its memory (ledger {before}, now {now}) while the op was open");
    OpOutcome::Indeterminate { why }
}
