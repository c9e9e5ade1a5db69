//! One session: first Hello, then the coordinator's messages. The session's own tasks end with it; ops do not.

use super::outbox::Outbox;
use super::{beat, report};
use crate::executor::Executor;
use crate::ledger::Lookup;
use crate::link::Channel;
use crate::look::facts;
use crate::metrics::{Attempt, Connected};
use crate::node::Node;
use podlift_common::wire::{self, to_document};
use podlift_model::OpId;
use podlift_model::documents::FACTS;
use podlift_proto::PROTOCOL;
use podlift_proto::v1::{self, from_agent, to_agent};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Why a session is over.
pub(super) struct End {
    pub why: String,
    /// The coordinator had accepted the agent.
    pub welcomed: bool,
    /// The coordinator refused the agent, and will refuse it again until a person has changed something.
    pub refused: bool,
}

/// Whether the same Hello would get the same answer again.
fn is_refusal(status: &tonic::Status) -> bool {
    use tonic::Code;
    matches!(
        status.code(),
        Code::PermissionDenied
            | Code::Unauthenticated
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::InvalidArgument
            | Code::ResourceExhausted
    )
}

struct Session {
    node: Arc<Node>,
    executor: Arc<Executor>,
    outbox: Outbox,
    /// Tasks of followers and heartbeats; dropped with the session.
    tasks: JoinSet<()>,
    every: watch::Sender<Duration>,
    /// Set while the coordinator has accepted the agent.
    welcomed: Option<Connected>,
}

pub(super) async fn serve(node: Arc<Node>, executor: Arc<Executor>, channel: Channel) -> End {
    let Channel { send, mut receive } = channel;
    let outbox = Outbox::of(send);
    let installed = facts::installed(&node).await;
    if !outbox.send(hello(&node, &installed)).await {
        return End { why: "the coordinator closed it before Hello".into(), welcomed: false, refused: false };
    }
    let (every, rhythm) = watch::channel(node.config.session.heartbeat);
    let mut tasks = JoinSet::new();
    tasks.spawn(beat::beat(node.clone(), outbox.clone(), rhythm, installed));
    let mut session = Session { node, executor, outbox, tasks, every, welcomed: None };
    let mut refused = false;
    let why = loop {
        while session.tasks.try_join_next().is_some() {}
        match receive.recv().await {
            None => break "the coordinator closed it".to_string(),
            Some(Err(status)) => {
                refused = is_refusal(&status);
                break format!("{:?}: {}", status.code(), status.message());
            }
            Some(Ok(message)) => {
                if let Err(why) = session.handle(message).await {
                    break why;
                }
            }
        }
    };
    End { why, welcomed: session.welcomed.is_some(), refused }
}

fn hello(node: &Node, installed: &facts::Installed) -> from_agent::Kind {
    let epoch = node.ledger.highest();
    from_agent::Kind::Hello(v1::Hello {
        machine: node.machine.to_string(),
        protocol: PROTOCOL,
        node: node.config.node.to_string(),
        agent_version: env!("CARGO_PKG_VERSION").into(),
        ledger: node.ledger.id().to_string(),
        boot: node.boot.to_string(),
        epoch: epoch.as_ref().map(wire::epoch_to_wire),
        runs: node.ledger.runs().iter().map(ToString::to_string).collect(),
        facts: Some(to_document(FACTS, &facts::assemble(node, installed))),
    })
}

impl Session {
    /// An error means that the session can't continue.
    async fn handle(&mut self, message: v1::ToAgent) -> Result<(), String> {
        let answer = match message.kind {
            Some(to_agent::Kind::Welcome(welcome)) => return self.welcome(&welcome),
            Some(to_agent::Kind::ClaimEpoch(claim)) => self.claim(&claim),
            Some(to_agent::Kind::RunOp(request)) => return self.run_op(request).await,
            Some(to_agent::Kind::Lookup(lookup)) => self.lookup(&lookup),
            Some(to_agent::Kind::HealAck(ack)) => {
                self.node.heal.ack(&ack.id);
                return Ok(());
            }
            // A newer coordinator may send messages that this version does not know.
            None => return Ok(()),
        };
        if self.outbox.send(answer).await { Ok(()) } else { Err("the coordinator closed it".into()) }
    }

    fn welcome(&mut self, welcome: &v1::Welcome) -> Result<(), String> {
        if welcome.protocol != PROTOCOL {
            let theirs = welcome.protocol;
            return Err(format!(
                "the coordinator speaks protocol {theirs}, this agent {PROTOCOL}: upgrade the older of them"
            ));
        }
        tracing::info!(version = welcome.coordinator_version, "the coordinator accepted this agent");
        self.node.meters.attempt(Attempt::Welcomed);
        self.welcomed = Some(self.node.meters.connected());
        let asked = Duration::from_secs(welcome.heartbeat_seconds.into());
        if !asked.is_zero() {
            self.every.send_replace(asked.min(self.node.config.session.heartbeat));
        }
        self.tasks.spawn(report::heals(self.node.clone(), self.outbox.clone()));
        Ok(())
    }

    fn claim(&self, claim: &v1::ClaimEpoch) -> from_agent::Kind {
        let epoch = claim.epoch.as_ref().ok_or(()).and_then(|e| wire::epoch_from_wire(e).map_err(drop));
        let accepted = match epoch {
            Ok(epoch) => self.node.ledger.claim(&epoch).unwrap_or_else(|error| {
                tracing::error!(%error, "an epoch can't be recorded, so it is not accepted");
                false
            }),
            Err(()) => false,
        };
        let highest = self.node.ledger.highest();
        from_agent::Kind::EpochReply(v1::EpochReply {
            request: claim.request,
            accepted,
            highest: highest.as_ref().map(wire::epoch_to_wire),
        })
    }

    async fn run_op(&mut self, request: v1::RunOp) -> Result<(), String> {
        let task = report::run_op(self.node.clone(), self.executor.clone(), self.outbox.clone(), request);
        // The op is accepted or refused before the next message is read, so that the order of requests holds. A separate task follows it.
        if let Some(follow) = task.await? {
            self.tasks.spawn(follow);
        }
        Ok(())
    }

    fn lookup(&self, lookup: &v1::Lookup) -> from_agent::Kind {
        use v1::lookup_reply::State;
        let known = OpId::new(lookup.op_id.clone()).map_or(Lookup::Unknown, |id| self.executor.lookup(&id));
        let (state, outcome) = match known {
            Lookup::Unknown => (State::Unknown, None),
            Lookup::Running => (State::Running, None),
            Lookup::Ended(outcome) => (State::Ended, Some(wire::outcome_to_wire(&outcome))),
        };
        let ledger = self.node.ledger.id().to_string();
        from_agent::Kind::LookupReply(v1::LookupReply {
            request: lookup.request,
            ledger,
            state: state as i32,
            outcome,
        })
    }
}
