//! Numbered questions with one answer each: observations, claims, lookups.

use super::Hub;
use super::node::{Answer, Kind as Of, Session};
use super::read::ended;
use crate::dispatch::{Looked, limits, unreachable};
use podlift_common::wire::{self, WireError};
use podlift_model::{Epoch, Failure, LedgerId, Look, NodeName, OpId, OpOutcome, OpOutput};
use podlift_proto::v1::{self, lookup_reply::State, op_report, to_agent::Kind};
use std::time::Duration;
use tokio::sync::oneshot;

/// An answer that does not have the expected form. The failure is permanent, because the same question would get it again.
fn unreadable(node: &NodeName, error: &WireError) -> Failure {
    Failure::permanent(
        "agent-unreadable",
        format!("the agent of {node} sent an answer that can't be read: {error}"),
    )
}

impl Hub {
    pub(super) async fn ask_look(&self, node: &NodeName, look: &Look) -> Result<OpOutput, Failure> {
        let op = wire::look_to_wire(look);
        let id = format!("look-{}", self.number());
        let epoch = self.epoch_for(look)?;
        let question = |request| Kind::RunOp(v1::RunOp { request, op_id: id, epoch, op: Some(op) });
        let session = match look {
            // Every agent has certificates.
            Look::Certificates => {
                self.any_session(node).ok_or_else(|| unreachable(node, "it is not connected"))?
            }
            look if look.is_of_head() => self.session(node, Of::Head)?,
            _ => self.session(node, Of::Node)?,
        };
        let limit = limits::of_look(look).unwrap_or_default().max(self.settings.observe_timeout);
        let Answer::Report(report) = self.ask((node, session), limit, question).await? else {
            return Err(unreadable(node, &WireError::missing("op_report")));
        };
        let outcome = match report.state {
            Some(op_report::State::Outcome(outcome)) => {
                let limit = if *look == Look::Facts { limits::FACTS } else { limits::MESSAGE };
                limits::document("outcome.output", outcome.output.as_ref(), limit)
                    .and_then(|()| wire::outcome_from_wire(&outcome))
            }
            Some(op_report::State::Refused(failure)) => {
                wire::failure_from_wire(&failure).map(|failure| OpOutcome::Failed { failure })
            }
            _ => Err(WireError::missing("op_report.state")),
        };
        let output = match outcome.map_err(|e| unreadable(node, &limits::short(e)))? {
            OpOutcome::Done { output } => output,
            OpOutcome::Failed { failure } => return Err(limits::failure(failure)),
            OpOutcome::Indeterminate { why } => {
                return Err(unreachable(node, &limits::cut(&why, limits::LINE)));
            }
        };
        if let OpOutput::Facts(facts) = &output {
            self.refresh(node, Some(facts.as_ref().clone()));
        }
        Ok(output)
    }

    /// The epoch to send with an observation that only the commanding coordinator may make.
    fn epoch_for(&self, look: &Look) -> Result<Option<v1::Epoch>, Failure> {
        if !look.needs_epoch() {
            return Ok(None);
        }
        let none = || {
            let text = "this coordinator holds no epoch, and an agent gives files only to the coordinator that holds one; see podlift status";
            Failure::operator("no-epoch", text)
        };
        self.store.epoch().as_ref().map(wire::epoch_to_wire).map(Some).ok_or_else(none)
    }

    pub(super) async fn ask_claim(&self, node: &NodeName, epoch: &Epoch) -> Result<bool, Failure> {
        let wanted = wire::epoch_to_wire(epoch);
        let question = |request| Kind::ClaimEpoch(v1::ClaimEpoch { request, epoch: Some(wanted) });
        let Answer::Epoch(reply) = self.ask_any(node, question).await? else {
            return Err(unreadable(node, &WireError::missing("epoch_reply")));
        };
        let highest = reply.highest.as_ref().map(wire::epoch_from_wire).transpose();
        let highest = highest.map_err(|e| unreadable(node, &limits::short(e)))?;
        let highest = if reply.accepted { Some(epoch.clone()) } else { highest };
        if let Some(n) = self.nodes().get_mut(node) {
            n.epoch = highest.or(n.epoch.take());
        }
        Ok(reply.accepted)
    }

    pub(super) async fn ask_lookup(&self, node: &NodeName, op_id: &OpId) -> Result<Looked, Failure> {
        let id = op_id.to_string();
        let question = |request| Kind::Lookup(v1::Lookup { request, op_id: id });
        let Answer::Lookup(reply) = self.ask_any(node, question).await? else {
            return Err(unreadable(node, &WireError::missing("lookup_reply")));
        };
        looked(&reply).map_err(|e| unreadable(node, &limits::short(e)))
    }

    /// Asks the agent of that name, whatever it runs on: nodes and heads hold epochs and remember ops alike.
    async fn ask_any(&self, node: &NodeName, question: impl FnOnce(u64) -> Kind) -> Result<Answer, Failure> {
        let session = self.any_session(node).ok_or_else(|| unreachable(node, "it is not connected"))?;
        self.ask((node, session), self.settings.observe_timeout, question).await
    }

    /// Asks and waits: for the answer, for the session's end, or for the time limit.
    async fn ask(
        &self,
        (node, session): (&NodeName, Session),
        limit: Duration,
        question: impl FnOnce(u64) -> Kind,
    ) -> Result<Answer, Failure> {
        let (answer, asked) = oneshot::channel();
        let request = self.number();
        self.expect(node, &session, request, answer);
        let message = Box::new(v1::ToAgent { kind: Some(question(request)) });
        let talk = async {
            session.send.send(Ok(message)).await.map_err(|_| unreachable(node, "its session ended"))?;
            asked.await.map_err(|_| unreachable(node, "its session ended before it answered"))
        };
        match tokio::time::timeout(limit, talk).await {
            Ok(answer) => answer,
            Err(_) => {
                self.forget(node, &session, request);
                let seconds = limit.as_secs_f32();
                Err(unreachable(node, &format!("it did not answer within {seconds} s")))
            }
        }
    }

    fn expect(&self, node: &NodeName, session: &Session, request: u64, answer: oneshot::Sender<Answer>) {
        let mut nodes = self.nodes();
        let live = nodes.get_mut(node).and_then(|n| n.session.as_mut());
        if let Some(live) = live.filter(|l| l.session.id == session.id) {
            live.questions.insert(request, answer);
        }
    }

    fn forget(&self, node: &NodeName, session: &Session, request: u64) {
        let mut nodes = self.nodes();
        let live = nodes.get_mut(node).and_then(|n| n.session.as_mut());
        if let Some(live) = live.filter(|l| l.session.id == session.id) {
            live.questions.remove(&request);
        }
    }
}

fn looked(reply: &v1::LookupReply) -> Result<Looked, WireError> {
    let ledger = LedgerId::new(reply.ledger.clone()).map_err(|e| WireError::new("lookup_reply.ledger", e))?;
    let state = State::try_from(reply.state).map_err(|e| WireError::new("lookup_reply.state", e))?;
    Ok(match state {
        State::Unspecified => return Err(WireError::missing("lookup_reply.state")),
        State::Unknown => Looked::Unknown { ledger },
        State::Running => Looked::Running { ledger },
        State::Ended => {
            let outcome = reply.outcome.as_ref().ok_or_else(|| WireError::missing("lookup_reply.outcome"))?;
            Looked::Ended { ledger, outcome: Box::new(ended(outcome)?) }
        }
    })
}
