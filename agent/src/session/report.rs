//! Reports of ops and heals to the coordinator. After a dropped session, the coordinator finds an outcome by Lookup.

use super::outbox::Outbox;
use crate::executor::{Answer, Executor, OpState};
use crate::look::look;
use crate::node::Node;
use podlift_common::wire::{self, HostRequest, to_document};
use podlift_model::documents::HEAL_EVENT;
use podlift_model::{Epoch, Failure, OpId, OpOutcome, codes};
use podlift_proto::v1::{self, from_agent, op_report};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;

/// A task that sends further reports.
pub(super) type Follow = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Sends reports about one request.
struct Reporter {
    node: Arc<Node>,
    outbox: Outbox,
    request: u64,
    op_id: String,
}

impl Reporter {
    async fn say(&self, state: op_report::State) -> bool {
        let ledger = self.node.ledger.id().to_string();
        let report =
            v1::OpReport { request: self.request, op_id: self.op_id.clone(), ledger, state: Some(state) };
        self.outbox.send(from_agent::Kind::OpReport(report)).await
    }

    async fn outcome(&self, outcome: &OpOutcome) -> bool {
        self.say(op_report::State::Outcome(wire::outcome_to_wire(outcome))).await
    }

    async fn refused(&self, failure: &Failure) -> bool {
        self.say(op_report::State::Refused(wire::failure_to_wire(failure))).await
    }

    async fn follow(self, mut state: watch::Receiver<OpState>) {
        loop {
            let now = state.borrow_and_update().clone();
            let told = match &now {
                OpState::Started => true,
                OpState::Progress(line) => self.say(op_report::State::Progress(line.clone())).await,
                OpState::Ended(outcome) => {
                    self.outcome(outcome).await;
                    return;
                }
            };
            if !told || state.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Starts the requested op or look. Returns the task that follows it, if there is one; an error means that the session is over.
pub(super) async fn run_op(
    node: Arc<Node>,
    executor: Arc<Executor>,
    outbox: Outbox,
    request: v1::RunOp,
) -> Result<Option<Follow>, String> {
    let reporter =
        Reporter { node: node.clone(), outbox, request: request.request, op_id: request.op_id.clone() };
    let over = || "the coordinator closed it".to_string();
    let (op_id, epoch, asked) = match decode(&request) {
        Ok(decoded) => decoded,
        Err(failure) => return if reporter.refused(&failure).await { Ok(None) } else { Err(over()) },
    };
    let op = match asked {
        HostRequest::Op(op) => op,
        // A look changes nothing and needs no fence, except for parts of a backup.
        HostRequest::Look(what) => {
            if what.needs_epoch()
                && let Err(failure) = executor.in_office(epoch.as_ref())
            {
                return if reporter.refused(&failure).await { Ok(None) } else { Err(over()) };
            }
            return Ok(Some(Box::pin(async move {
                let outcome = OpOutcome::from(look(&node, &what).await);
                reporter.outcome(&outcome).await;
            })));
        }
    };
    let answer = match epoch {
        Some(epoch) => executor.submit(&op_id, &epoch, &op),
        None => Answer::Refused(Failure::permanent(
            codes::INVALID_REQUEST,
            "field epoch is missing: expected the epoch of whoever commands",
        )),
    };
    let told = match answer {
        Answer::Refused(failure) => reporter.refused(&failure).await,
        Answer::Ended(outcome) => reporter.outcome(&outcome).await,
        Answer::Follow(state) => return Ok(Some(Box::pin(reporter.follow(state)))),
    };
    if told { Ok(None) } else { Err(over()) }
}

fn decode(request: &v1::RunOp) -> Result<(OpId, Option<Epoch>, HostRequest), Failure> {
    let invalid = |why: String| Failure::permanent(codes::INVALID_REQUEST, why);
    let op_id = OpId::new(request.op_id.clone()).map_err(|e| invalid(e.to_string()))?;
    let op = request.op.as_ref().ok_or_else(|| invalid("field op is missing".into()))?;
    let op = wire::request_from_wire(op).map_err(|e| invalid(e.to_string()))?;
    let epoch =
        request.epoch.as_ref().map(wire::epoch_from_wire).transpose().map_err(|e| invalid(e.to_string()))?;
    Ok((op_id, epoch, op))
}

/// Reports every heal that is not acknowledged, and each new one, until the session is over.
pub(super) async fn heals(node: Arc<Node>, outbox: Outbox) {
    let mut told: Vec<String> = Vec::new();
    loop {
        let pending = node.heal.pending();
        told.retain(|id| pending.iter().any(|e| e.id == *id));
        for event in pending {
            if told.contains(&event.id) {
                continue;
            }
            let report = v1::HealReport { id: event.id.clone(), heal: Some(to_document(HEAL_EVENT, &event)) };
            if !outbox.send(from_agent::Kind::HealReport(report)).await {
                return;
            }
            told.push(event.id);
        }
        node.heal.healed.notified().await;
    }
}
