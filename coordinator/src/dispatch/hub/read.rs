//! Messages of an agent after Hello. A message that cannot be read is logged and changes nothing. Reading and parsing hold no lock that
//! another agent needs. An agent that sends too much is read more slowly; this is the only effect.

use super::Hub;
use super::node::{Answer, OpWord, Session};
use super::op::FOR_ENDS;
use crate::dispatch::limits::{self, Bucket};
use futures_util::{Stream, StreamExt as _};
use podlift_common::wire::{self, WireError};
use podlift_model::{NodeFacts, NodeName, OpId, OpOutcome, documents};
use podlift_proto::v1::{self, from_agent::Kind, op_report::State};
use prost::Message as _;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::Status;

type Inbound = Pin<Box<dyn Stream<Item = Result<v1::FromAgent, Status>> + Send>>;

/// The rate at which one session is read.
struct Pace {
    messages: Bucket,
    news: Bucket,
}

impl Pace {
    fn pause(&mut self, message: &v1::FromAgent) -> Duration {
        let news = matches!(&message.kind, Some(Kind::Heartbeat(beat)) if beat.facts.is_some());
        let pause = if news { self.news.borrow() } else { Duration::ZERO };
        self.messages.borrow().max(pause)
    }
}

/// Reads until the agent disconnects or another session replaces this one. It holds the hub weakly: dropping the hub ends its sessions.
pub(super) async fn read_all(hub: Weak<Hub>, node: NodeName, session: Session, mut inbound: Inbound) {
    let mut pace = Pace { messages: Bucket::new(limits::MESSAGES), news: Bucket::new(limits::NEWS) };
    while let Some(message) = next(&session, &mut inbound, &mut pace).await {
        let Some(hub) = hub.upgrade() else { break };
        // Boxed, because the room for the handling of a message would otherwise be part of each of ten thousand tasks that wait for one.
        if let Err(error) = Box::pin(hub.take(&node, &session, message)).await {
            hub.complain(&node, &limits::short(error).to_string());
        }
    }
    if let Some(hub) = hub.upgrade() {
        hub.detach(&node, session.id);
    }
}

/// The next message; `None` if the session is over.
async fn next(session: &Session, inbound: &mut Inbound, pace: &mut Pace) -> Option<v1::FromAgent> {
    let next = async {
        let message = inbound.next().await?.ok()?;
        let pause = pace.pause(&message);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Some(message)
    };
    tokio::select! {
        () = session.gone.cancelled() => None,
        next = next => next,
    }
}

/// Checks that a message is no larger than the wire accepts, whatever its source.
pub(super) fn small(message: &v1::FromAgent) -> Result<(), WireError> {
    match message.encoded_len() {
        bytes if bytes > limits::MESSAGE => {
            let why = format!("it has {bytes} bytes, at most {} are accepted", limits::MESSAGE);
            Err(WireError::new("message", why))
        }
        _ => Ok(()),
    }
}

/// How an op ended, within the size that may be recorded.
pub(super) fn ended(outcome: &v1::Outcome) -> Result<OpOutcome, WireError> {
    if let Some(too_large) = limits::too_large(outcome) {
        return Ok(too_large);
    }
    limits::document("outcome.output", outcome.output.as_ref(), limits::MESSAGE)?;
    Ok(match wire::outcome_from_wire(outcome)? {
        OpOutcome::Failed { failure } => OpOutcome::Failed { failure: limits::failure(failure) },
        other => other,
    })
}

impl Hub {
    async fn take(
        &self,
        node: &NodeName,
        session: &Session,
        message: v1::FromAgent,
    ) -> Result<(), WireError> {
        small(&message)?;
        match message.kind {
            None | Some(Kind::Hello(_)) => Ok(()),
            Some(Kind::Heartbeat(beat)) => self.beat(node, beat),
            Some(Kind::OpReport(report)) => self.report(node, report),
            Some(Kind::EpochReply(reply)) => {
                self.answer(node, reply.request, Answer::Epoch(reply));
                Ok(())
            }
            Some(Kind::LookupReply(reply)) => {
                self.answer(node, reply.request, Answer::Lookup(reply));
                Ok(())
            }
            Some(Kind::HealReport(_)) if self.is_head(node) => {
                Err(WireError::new("heal_report", "a head node has no manifests that could be healed"))
            }
            Some(Kind::HealReport(report)) => self.heal(node, session, report).await,
        }
    }

    fn is_head(&self, node: &NodeName) -> bool {
        self.nodes().get(node).is_some_and(|n| n.kind == super::node::Kind::Head)
    }

    fn beat(&self, node: &NodeName, beat: v1::Heartbeat) -> Result<(), WireError> {
        // The heartbeat shows that the agent lives, even if its facts are invalid.
        let (facts, said) = match beat.facts.as_ref().map(facts).transpose() {
            Ok(facts) => (facts, Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.refresh(node, facts);
        said
    }

    /// Records that the agent lives, and its `facts` if it sent them.
    pub(super) fn refresh(&self, node: &NodeName, facts: Option<NodeFacts>) {
        let now = self.clock.now();
        let facts = facts.filter(|f| f.node == *node).map(Arc::new);
        let before = {
            let mut nodes = self.nodes();
            let Some(n) = nodes.get_mut(node) else { return };
            n.at = now;
            facts.clone().map(|facts| std::mem::replace(&mut n.facts, facts))
        };
        if let Some(facts) = facts {
            self.suspect(node, before.as_deref(), &facts);
        }
    }

    /// An outcome that no task waits for is late or duplicated. A caller that needs it asks for it by lookup.
    fn report(&self, node: &NodeName, report: v1::OpReport) -> Result<(), WireError> {
        let id = OpId::new(report.op_id.clone()).map_err(|e| WireError::new("op_report.op_id", e))?;
        let waiting = self.nodes().get(node).and_then(|n| n.ops.get(&id).cloned());
        let Some(waiting) = waiting else {
            if !matches!(report.state, Some(State::Progress(_))) {
                self.answer(node, report.request, Answer::Report(report));
            }
            return Ok(());
        };
        let word = match report.state.ok_or_else(|| WireError::missing("op_report.state"))? {
            State::Progress(line) => OpWord::Progress(limits::cut(&line, limits::LINE)),
            State::Outcome(outcome) => OpWord::Outcome(ended(&outcome)?),
            State::Refused(failure) => OpWord::Refused(limits::failure(wire::failure_from_wire(&failure)?)),
        };
        hear(&waiting, word);
        Ok(())
    }

    fn answer(&self, node: &NodeName, request: u64, answer: Answer) {
        let asked = self
            .nodes()
            .get_mut(node)
            .and_then(|n| n.session.as_mut())
            .and_then(|live| live.questions.remove(&request));
        if let Some(asked) = asked {
            drop(asked.send(answer));
        }
    }
}

/// The receiver may be busy. Then progress lines are dropped, and ends are not.
fn hear(waiting: &mpsc::Sender<OpWord>, word: OpWord) {
    if matches!(word, OpWord::Progress(_)) && waiting.capacity() <= FOR_ENDS {
        return;
    }
    drop(waiting.try_send(word));
}

/// The facts of a node, if the document is small enough.
pub(super) fn facts(document: &v1::Document) -> Result<NodeFacts, WireError> {
    limits::document("facts", Some(document), limits::FACTS)?;
    wire::from_document(documents::FACTS, Some(document))
}
