//! Requests of a person to one node outside of any run. The journal records the request before it is sent, and then the answer. The
//! coordinator asks one node at a time, and not while a run works.

use super::{Coordinator, CoordinatorError};
use podlift_engine::machine::{Event, RunStatus};
use podlift_model::op::Component;
use podlift_model::{Digest, Failure, FailureClass, HostOp, NodeName, OpId, OpOutcome, OpOutput, codes};
use std::sync::Arc;

impl Coordinator {
    /// Without a hash, the hash that the agent reported last is used. The agent compares it with its disk either way.
    pub(super) async fn heal_accept(
        &self,
        node: NodeName,
        component: Component,
        sha256: Option<Digest>,
        by: &str,
    ) -> Result<String, CoordinatorError> {
        let told = || {
            let seen = self.performer.agents.seen().into_iter().find(|n| n.facts.node == node);
            seen?.facts.manifests.iter().find(|m| m.component == component).map(|m| m.sha256.clone())
        };
        let missing = || {
            let message = format!("the agent of {node} has reported no {}", component.file());
            Failure::operator("no-manifest", message).with_detail(&format!("podlift heal status {node}"))
        };
        let sha256 = sha256.or_else(told).ok_or_else(missing)?;
        self.ask_node(node, HostOp::HealAccept { component, sha256 }, by).await
    }

    pub(super) async fn ask_node(
        &self,
        node: NodeName,
        op: HostOp,
        by: &str,
    ) -> Result<String, CoordinatorError> {
        let _one = self.starting.lock().await;
        self.beside_no_run(&format!("a request to {node}"))?;
        self.asked(node, op, by).await
    }

    /// Refuses while a run works. A paused run is allowed once its lanes that have begun are at rest, too.
    pub(super) fn beside_no_run(&self, what: &str) -> Result<(), CoordinatorError> {
        let Some(run) = self.store.open_run().filter(|s| s.is_at_work()) else { return Ok(()) };
        let (how, next) = match run.status {
            RunStatus::Paused { .. } if run.pauses_now => ("ops of it are not over yet", "podlift status"),
            RunStatus::Paused { .. } => ("nodes that have begun go on to their end", "podlift pause --now"),
            _ => ("it is at work", "podlift pause"),
        };
        Err(CoordinatorError::RunWorks { run: run.run.clone(), what: what.into(), how, next })
    }

    /// The caller must make sure that nothing else starts meanwhile.
    pub(super) async fn asked(
        &self,
        node: NodeName,
        op: HostOp,
        by: &str,
    ) -> Result<String, CoordinatorError> {
        if self.performer.agents.ledger(&node).is_none() {
            let message = format!("the agent of {node} is not connected");
            return Err(Failure::operator(codes::AGENT_UNREACHABLE, message).into());
        }
        let epoch = self
            .fence
            .epoch()
            .ok_or_else(|| CoordinatorError::ReadOnly { why: "no epoch is held".into() })?;
        self.performer.claim(&node, &epoch).await?;
        let op_id = OpId::new(format!("{}-{}", op.verb(), uuid::Uuid::new_v4().simple()))?;
        let asked =
            Event::NodeAsked { node: node.clone(), op_id: op_id.clone(), op: op.clone(), by: by.into() };
        self.store.append(None, asked)?;
        let outcome = match self.performer.agents.run(&node, &op_id, &epoch, &op, Arc::new(|_| ())).await {
            Ok(outcome) => outcome,
            Err(f) if f.class == FailureClass::Transient => OpOutcome::Indeterminate { why: f.message },
            Err(failure) => OpOutcome::Failed { failure },
        };
        self.store
            .append(None, Event::NodeAnswered { node: node.clone(), op_id, outcome: outcome.clone() })?;
        match outcome {
            OpOutcome::Done { output: OpOutput::Changed(line) | OpOutput::Unchanged(line) } => {
                Ok(format!("{node}: {line}"))
            }
            OpOutcome::Done { .. } => Ok(format!("{node}: {} done", op.verb())),
            OpOutcome::Failed { failure } => Err(failure.into()),
            OpOutcome::Indeterminate { why } => {
                let message = format!("{node}: the outcome of {} is not known: {why}", op.verb());
                Err(Failure::operator("not-known", message).into())
            }
        }
    }
}
