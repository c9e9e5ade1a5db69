//! The beginning and the end of a session: who is it, does it speak our protocol, does it remember what it did?

use super::Hub;
use super::node::{Live, Node, Outgoing, Session};
use crate::store::StoreError;
use futures_util::{Stream, StreamExt as _};
use podlift_common::tls::{Identity, Subject};
use podlift_common::wire::{self, WireError};
use podlift_engine::machine::Event;
use podlift_model::{Epoch, LedgerId, NodeFacts, NodeName, RunId};
use podlift_proto::{PROTOCOL, v1};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Messages on their way to one agent.
const BUFFER: usize = 64;
const HELLO: Duration = Duration::from_secs(10);
pub(super) const FACTS: &str = "podlift.facts/v1";

/// Hello, read.
struct Hello {
    facts: NodeFacts,
    ledger: LedgerId,
    epoch: Option<Epoch>,
    runs: Vec<RunId>,
}

impl Hub {
    /// Takes a session whose peer is known. The first message must be Hello.
    pub async fn attach(
        self: &Arc<Self>,
        peer: Identity,
        inbound: impl Stream<Item = Result<v1::FromAgent, Status>> + Send + 'static,
    ) -> Result<mpsc::Receiver<Outgoing>, Status> {
        let node = self.peer_node(&peer)?;
        let mut inbound = Box::pin(inbound);
        let first = tokio::time::timeout(HELLO, inbound.next()).await;
        let late = |_| Status::deadline_exceeded("no Hello within 10 s of the session's start");
        let first =
            first.map_err(late)?.ok_or_else(|| Status::cancelled("the session ended before Hello"))??;
        let Some(v1::from_agent::Kind::Hello(hello)) = first.kind else {
            return Err(Status::invalid_argument("the first message of a session must be Hello"));
        };
        self.check(&node, &hello)?;
        let hello = read(&node, &hello).map_err(|e| wire::to_status(&e))?;
        self.remember(&node, &hello.ledger).map_err(|e| Status::unavailable(e.to_string()))?;
        let (send, receive) = mpsc::channel(BUFFER);
        let session = self.open(&node, hello, send).await;
        tokio::spawn(super::read::read_all(Arc::downgrade(self), node, session, inbound));
        Ok(receive)
    }

    fn peer_node(&self, peer: &Identity) -> Result<NodeName, Status> {
        match &peer.subject {
            Subject::Node(node) if peer.cluster == self.cluster => Ok(node.clone()),
            _ => Err(Status::permission_denied(format!(
                "certificate {} may not open an agent session: expected spiffe://podlift/{}/node/<name>",
                peer.uri(),
                self.cluster
            ))),
        }
    }

    fn check(&self, node: &NodeName, hello: &v1::Hello) -> Result<(), Status> {
        if hello.node != node.as_str() {
            let said = &hello.node;
            let text = format!(
                "the certificate is for node {node}, and the agent says that it is {said:?}: give it its own certificate"
            );
            tracing::warn!(%node, said, "refused: certificate for another node");
            return Err(Status::permission_denied(text));
        }
        if hello.protocol != PROTOCOL {
            let text = format!(
                "agent {} of {node} speaks protocol {}, this coordinator speaks {PROTOCOL}: install the same podlift on both",
                hello.agent_version, hello.protocol
            );
            self.refusals().insert(node.clone(), text.clone());
            return Err(Status::failed_precondition(text));
        }
        Ok(())
    }

    /// A new or changed memory is in the journal before anything is asked of it.
    fn remember(&self, node: &NodeName, ledger: &LedgerId) -> Result<(), StoreError> {
        let (node, ledger) = (node.clone(), ledger.clone());
        let event = match self.store.ledger(&node) {
            Some(before) if before == ledger => return Ok(()),
            Some(before) => Event::LedgerChanged { node, before, now: ledger },
            None => Event::AgentConnected { node, ledger },
        };
        self.store.append(None, event).map(drop)
    }

    async fn open(&self, node: &NodeName, hello: Hello, send: mpsc::Sender<Outgoing>) -> Session {
        let gone = CancellationToken::new();
        let session = Session { id: self.number(), ledger: hello.ledger, send, gone: gone.clone() };
        let live = Live {
            session: session.clone(),
            since: self.clock.now(),
            questions: Default::default(),
            _guard: gone.drop_guard(),
        };
        let returned = self.place(node, live, hello.facts, hello.epoch, hello.runs);
        self.refusals().remove(node);
        if returned {
            self.journal_of_run(
                node,
                Event::AgentConnected { node: node.clone(), ledger: session.ledger.clone() },
            );
        }
        let welcome = v1::Welcome {
            protocol: PROTOCOL,
            coordinator_version: env!("CARGO_PKG_VERSION").into(),
            heartbeat_seconds: self.settings.heartbeat.as_secs().max(1) as u32,
        };
        let kind = Some(v1::to_agent::Kind::Welcome(welcome));
        drop(session.send.send(Ok(v1::ToAgent { kind })).await);
        self.changed.send_modify(|n| *n += 1);
        session
    }

    /// Replaces whatever session the node had. True: its loss was journaled before.
    fn place(
        &self,
        name: &NodeName,
        live: Live,
        facts: NodeFacts,
        epoch: Option<Epoch>,
        runs: Vec<RunId>,
    ) -> bool {
        let at = self.clock.now();
        let mut nodes = self.nodes();
        let (before, ops, lost) =
            nodes.remove(name).map_or_else(Default::default, |n| (n.runs, n.ops, n.lost));
        self.recount(&before, &runs);
        nodes.insert(
            name.clone(),
            Node { facts: facts.into(), at, epoch, runs, session: Some(live), lost: false, ops },
        );
        lost
    }

    fn recount(&self, before: &[RunId], now: &[RunId]) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        for run in now {
            *remembered.entry(run.clone()).or_default() += 1;
        }
        for run in before {
            if let Some(count) = remembered.get_mut(run) {
                *count -= 1;
            }
        }
        remembered.retain(|_, count| *count > 0);
    }

    /// The session is over, unless another took its place already.
    pub(super) fn detach(&self, name: &NodeName, session: u64) {
        let ended = {
            let mut nodes = self.nodes();
            let node =
                nodes.get_mut(name).filter(|n| n.session.as_ref().is_some_and(|s| s.session.id == session));
            node.map(|n| n.session = None).is_some()
        };
        if ended {
            tracing::info!(node = %name, "agent gone");
            if self.journal_of_run(name, Event::AgentLost { node: name.clone() })
                && let Some(node) = self.nodes().get_mut(name)
            {
                node.lost = true;
            }
            self.changed.send_modify(|n| *n += 1);
        }
    }

    /// Coming and going matters to people while a run is open that the node is part of.
    fn journal_of_run(&self, node: &NodeName, event: Event) -> bool {
        let Some(run) = self.store.open_run().filter(|s| s.plan.inventory.get(node).is_some()) else {
            return false;
        };
        match self.store.append(Some(&run.run), event) {
            Ok(_) => true,
            Err(error) => {
                tracing::error!(%node, %error, "not journaled");
                false
            }
        }
    }
}

fn read(node: &NodeName, hello: &v1::Hello) -> Result<Hello, WireError> {
    let facts: NodeFacts = wire::from_document(FACTS, hello.facts.as_ref())?;
    if facts.node != *node {
        return Err(WireError::new(
            "hello.facts.node",
            format!("{:?}, expected {node}", facts.node.as_str()),
        ));
    }
    let runs = hello.runs.iter().map(|r| RunId::new(r.clone()).map_err(|e| WireError::new("hello.runs", e)));
    Ok(Hello {
        facts,
        ledger: LedgerId::new(hello.ledger.clone()).map_err(|e| WireError::new("hello.ledger", e))?,
        epoch: hello.epoch.as_ref().map(wire::epoch_from_wire).transpose()?,
        runs: runs.collect::<Result<_, _>>()?,
    })
}
