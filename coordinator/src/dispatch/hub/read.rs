//! What an agent says after Hello. A message that can't be read is logged and changes nothing.

use super::Hub;
use super::attach::FACTS;
use super::node::{Answer, OpWord, Session};
use futures_util::{Stream, StreamExt as _};
use podlift_common::wire::{self, WireError};
use podlift_engine::machine::Event;
use podlift_model::heal::HealEvent;
use podlift_model::{NodeFacts, NodeName, OpId};
use podlift_proto::v1::{self, from_agent::Kind, op_report::State};
use std::pin::Pin;
use std::sync::Weak;
use tonic::Status;

pub(super) const HEAL: &str = "podlift.heal/v1";

type Inbound = Pin<Box<dyn Stream<Item = Result<v1::FromAgent, Status>> + Send>>;

/// Reads until the agent is gone or another session took over. Holds the hub weakly: a hub that is dropped ends its sessions.
pub(super) async fn read_all(hub: Weak<Hub>, node: NodeName, session: Session, mut inbound: Inbound) {
    loop {
        let next = tokio::select! {
            () = session.gone.cancelled() => break,
            next = inbound.next() => next,
        };
        let (Some(Ok(message)), Some(hub)) = (next, hub.upgrade()) else { break };
        if let Err(error) = hub.take(&node, &session, message).await {
            tracing::warn!(%node, %error, "a message of the agent can't be read");
        }
    }
    if let Some(hub) = hub.upgrade() {
        hub.detach(&node, session.id);
    }
}

impl Hub {
    async fn take(
        &self,
        node: &NodeName,
        session: &Session,
        message: v1::FromAgent,
    ) -> Result<(), WireError> {
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
            Some(Kind::HealReport(report)) => self.heal(node, session, report).await,
        }
    }

    fn beat(&self, node: &NodeName, beat: v1::Heartbeat) -> Result<(), WireError> {
        let facts = beat.facts.map(|d| wire::from_document::<NodeFacts>(FACTS, Some(&d))).transpose()?;
        self.refresh(node, facts);
        Ok(())
    }

    /// The agent lives; `facts` where they were sent.
    pub(super) fn refresh(&self, node: &NodeName, facts: Option<NodeFacts>) {
        let now = self.clock.now();
        if let Some(n) = self.nodes().get_mut(node) {
            n.at = now;
            if let Some(facts) = facts.filter(|f| f.node == *node) {
                n.facts = facts.into();
            }
        }
    }

    /// An outcome that nobody waits for is late or doubled: whoever needs it asks for it by lookup.
    fn report(&self, node: &NodeName, report: v1::OpReport) -> Result<(), WireError> {
        let id = OpId::new(report.op_id.clone()).map_err(|e| WireError::new("op_report.op_id", e))?;
        let progress = matches!(report.state, Some(State::Progress(_)));
        if !progress {
            self.answer(node, report.request, Answer::Report(report.clone()));
        }
        let waiting = self.nodes().get(node).and_then(|n| n.ops.get(&id).cloned());
        let Some(waiting) = waiting else { return Ok(()) };
        let word = match report.state.ok_or_else(|| WireError::missing("op_report.state"))? {
            State::Progress(line) => OpWord::Progress(line),
            State::Outcome(outcome) => OpWord::Outcome(wire::outcome_from_wire(&outcome)?),
            State::Refused(failure) => OpWord::Refused(wire::failure_from_wire(&failure)?),
        };
        drop(waiting.send(word));
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

    /// In the journal first, then acknowledged: the agent may forget it only then.
    async fn heal(
        &self,
        node: &NodeName,
        session: &Session,
        report: v1::HealReport,
    ) -> Result<(), WireError> {
        let heal: HealEvent = wire::from_document(HEAL, report.heal.as_ref())?;
        if heal.node != *node || heal.id != report.id {
            return Err(WireError::new(
                "heal_report",
                format!("{} of {}, expected {} of {node}", heal.id, heal.node, report.id),
            ));
        }
        if !self.store.knows_heal(&heal.id) {
            let run = self.store.open_run().map(|s| s.run.clone());
            if let Err(error) = self.store.append(run.as_ref(), Event::Healed { heal }) {
                tracing::error!(%node, %error, "heal not journaled, not acknowledged");
                return Ok(());
            }
        }
        let kind = Some(v1::to_agent::Kind::HealAck(v1::HealAck { id: report.id }));
        drop(session.send.send(Ok(v1::ToAgent { kind })).await);
        Ok(())
    }
}
