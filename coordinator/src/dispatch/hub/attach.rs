//! The beginning and the end of a session: checks the agent's identity, its protocol, and whether it still has its memory.

use super::Hub;
use super::identity::{self, First, Heard, Machine, Twin};
use super::node::{Kind, Live, Node, Outgoing, Session};
use crate::dispatch::limits::{self, quoted};
use futures_util::{Stream, StreamExt as _};
use podlift_common::tls::{Identity, Subject};
use podlift_common::wire::{self, WireError};
use podlift_engine::machine::Event;
use podlift_model::{BootId, Epoch, LedgerId, MachineId, NodeFacts, NodeName, RunId};
use podlift_proto::{PROTOCOL, v1};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Messages that may wait to be sent to one agent.
const BUFFER: usize = 64;
const HELLO: Duration = Duration::from_secs(10);
/// Heartbeats that a session may miss before it counts as silent.
const MISSED: u32 = 3;

/// The node that a certificate names.
struct Peer {
    name: NodeName,
    kind: Kind,
}

/// The content of a Hello message, parsed.
pub(super) struct Hello {
    machine: Machine,
    facts: NodeFacts,
    ledger: LedgerId,
    epoch: Option<Epoch>,
    runs: Vec<RunId>,
}

impl Hub {
    /// Accepts a session whose peer is known. The first message must be Hello.
    pub async fn attach(
        self: &Arc<Self>,
        peer: Identity,
        inbound: impl Stream<Item = Result<v1::FromAgent, Status>> + Send + 'static,
    ) -> Result<mpsc::Receiver<Outgoing>, Status> {
        let Peer { name: node, kind } = self.peer(&peer)?;
        self.one_kind(&node, kind)?;
        let arrival = self.arrive(&node)?;
        let mut inbound = Box::pin(inbound);
        let hello = first(&mut inbound).await?;
        drop(arrival);
        self.check(&node, &hello)?;
        let hello = read(&node, &hello).map_err(|e| wire::to_status(&limits::short(e)))?;
        let turn = self.turn(&node);
        let one = turn.lock().await;
        // Checked again, because the cluster may have named its nodes meanwhile, or another session may have begun.
        self.one_kind(&node, kind)?;
        self.one_machine(&node, &hello.machine).await?;
        self.remember(&node, &hello.ledger)?;
        let (send, receive) = mpsc::channel(BUFFER);
        let session = self.open(&node, kind, hello, send).await;
        drop(one);
        tokio::spawn(super::read::read_all(Arc::downgrade(self), node, session, inbound));
        Ok(receive)
    }

    fn peer(&self, peer: &Identity) -> Result<Peer, Status> {
        match &peer.subject {
            Subject::Node(name) if peer.cluster == self.cluster => {
                Ok(Peer { name: name.clone(), kind: Kind::Node })
            }
            Subject::Head(name) if peer.cluster == self.cluster => {
                Ok(Peer { name: name.clone(), kind: Kind::Head })
            }
            _ => Err(Status::permission_denied(format!(
                "certificate {} may not open an agent session: expected spiffe://podlift/{cluster}/node/<name> or spiffe://podlift/{cluster}/head/<name>",
                peer.uri(),
                cluster = self.cluster
            ))),
        }
    }

    /// A head node is not a node of the cluster. No name may stand for both, so that a question to a name reaches one kind of agent.
    fn one_kind(&self, name: &NodeName, kind: Kind) -> Result<(), Status> {
        let connected = self.nodes().get(name).filter(|n| n.session.is_some()).map(|n| n.kind);
        let taken = match (kind, connected) {
            (Kind::Head, _) if self.is_plane(name).is_some() => Some("the cluster has a node of that name"),
            (Kind::Head, Some(Kind::Node)) => Some("a node's agent of that name is connected"),
            (Kind::Node, Some(Kind::Head)) => Some("the agent of a head node of that name is connected"),
            _ => None,
        };
        let Some(taken) = taken else { return Ok(()) };
        let text = format!(
            "{name} is the name of a {}, and {taken}: give the agent of the head node another name (podlift cert issue head NAME)",
            kind.name()
        );
        match kind {
            Kind::Node => drop(self.turn_away(name, "", &text)),
            Kind::Head => self.complain(name, &text),
        }
        Err(Status::permission_denied(text))
    }

    fn check(&self, node: &NodeName, hello: &v1::Hello) -> Result<(), Status> {
        if hello.node != node.as_str() {
            let said = quoted(&hello.node);
            let text = format!(
                "the certificate is for node {node}, and the agent reports itself as {said:?}: give it its own certificate"
            );
            self.complain(node, &text);
            return Err(Status::permission_denied(text));
        }
        if hello.protocol != PROTOCOL {
            let text = format!(
                "agent {} of {node} speaks protocol {}, this coordinator speaks {PROTOCOL}: install the same podlift on both",
                quoted(&hello.agent_version),
                hello.protocol
            );
            self.turn_away(node, "", &text);
            return Err(Status::failed_precondition(text));
        }
        Ok(())
    }

    /// Refuses a second machine under the same name while the first one lives.
    async fn one_machine(&self, node: &NodeName, machine: &Machine) -> Result<(), Status> {
        if machine.id.is_empty() {
            tracing::info!(%node, "its agent reports no machine id: install the same podlift on both");
        }
        let last = self.heard(node);
        let judged = match identity::before_asking(node, machine, last.as_ref()) {
            First::Welcome => Ok(()),
            First::Refused(twin) => Err(twin),
            First::Ask => {
                let registered = self.registry.of(node, self.clock.now()).await;
                let now = self.clock.now();
                identity::as_registered(node, machine, last.as_ref(), &registered, now)
            }
        };
        judged.map_err(|twin| {
            let status = wire::to_status(&twin);
            // The check limits the journal's records when an agent invents a machine at each attempt.
            if self.turn_away(node, &machine.id, status.message()) && self.may_change_memory(node) {
                self.record(&twin);
            }
            status
        })
    }

    fn record(&self, twin: &Twin) {
        let Twin { node, new, first, known } = twin.clone();
        let event = Event::MachineRefused { node, first, second: new, why: known };
        if let Err(error) = self.store.append(None, event) {
            tracing::error!(%error, "a refused machine could not be recorded");
        }
    }

    fn heard(&self, node: &NodeName) -> Option<Heard> {
        let now = self.clock.now();
        let nodes = self.nodes();
        let n = nodes.get(node)?;
        let silent = Duration::try_from(now.duration_since(n.at)).unwrap_or_default();
        let alive = n.session.is_some() && silent <= self.settings.heartbeat * MISSED;
        Some(Heard { machine: n.machine.clone(), at: n.at, alive })
    }

    /// Records a new or changed memory in the journal before the agent gets any question.
    fn remember(&self, node: &NodeName, ledger: &LedgerId) -> Result<(), Status> {
        let (name, now) = (node.clone(), ledger.clone());
        let event = match self.store.ledger(node) {
            Some(before) if before == now => return Ok(()),
            Some(before) => Event::LedgerChanged { node: name, before, now },
            None => Event::AgentConnected { node: name, ledger: now },
        };
        if !self.may_change_memory(node) {
            let text = "its ledger changes again and again: is /var/lib/podlift on a disk that loses its content? One change a minute is accepted";
            self.turn_away(node, "", text);
            return Err(Status::resource_exhausted(format!("agent of {node}: {text}")));
        }
        self.store.append(None, event).map(drop).map_err(|e| Status::unavailable(e.to_string()))
    }

    async fn open(&self, node: &NodeName, kind: Kind, hello: Hello, send: mpsc::Sender<Outgoing>) -> Session {
        let gone = CancellationToken::new();
        let session = Session { id: self.number(), ledger: hello.ledger.clone(), send, gone: gone.clone() };
        let live = Live {
            session: session.clone(),
            since: self.clock.now(),
            questions: Default::default(),
            _guard: gone.drop_guard(),
        };
        self.welcome_back(node, &hello.machine.id);
        if self.place(node, kind, live, hello) {
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
        drop(session.send.send(Ok(Box::new(v1::ToAgent { kind }))).await);
        self.changed.send_modify(|n| *n += 1);
        session
    }

    /// Replaces any session that the node had. Returns true if the loss of that session is in the journal.
    fn place(&self, name: &NodeName, kind: Kind, live: Live, hello: Hello) -> bool {
        let Hello { machine, facts, epoch, runs, ledger: _ } = hello;
        // Runs concern the nodes of the cluster, so the runs that a head node remembers are ignored.
        let runs = if kind == Kind::Head { Vec::new() } else { runs };
        let (at, facts) = (self.clock.now(), Arc::new(facts));
        self.suspect(name, None, &facts);
        let mut nodes = self.nodes();
        let (before, ops, lost) =
            nodes.remove(name).map_or_else(Default::default, |n| (n.runs, n.ops, n.lost));
        self.recount(name, &before, &runs);
        let session = Some(live);
        nodes.insert(name.clone(), Node { kind, machine, facts, at, epoch, runs, session, lost: false, ops });
        lost
    }

    fn recount(&self, node: &NodeName, before: &[RunId], now: &[RunId]) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        for run in before {
            if let Some(by) = remembered.get_mut(run) {
                by.remove(node);
                if by.is_empty() {
                    remembered.remove(run);
                }
            }
        }
        for run in now {
            remembered.entry(run.clone()).or_default().insert(node.clone());
        }
    }

    /// Ends the session, unless another session has replaced it already.
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

    /// Records connects and disconnects in the journal of the open run, if the node is part of that run.
    fn journal_of_run(&self, node: &NodeName, event: Event) -> bool {
        let Some(run) = self.store.open_run().filter(|s| s.plan.inventory.get(node).is_some()) else {
            return false;
        };
        match self.store.append_with(&run.run, |s| (!s.is_over()).then_some(event)) {
            Ok(written) => written.is_some(),
            Err(error) => {
                tracing::error!(%node, %error, "not journaled");
                false
            }
        }
    }
}

/// The first message. It must be Hello, and it must arrive within the time limit.
async fn first(
    inbound: &mut (impl Stream<Item = Result<v1::FromAgent, Status>> + Unpin),
) -> Result<v1::Hello, Status> {
    let late = |_| Status::deadline_exceeded("no Hello within 10 s of the session's start");
    let said = tokio::time::timeout(HELLO, inbound.next()).await.map_err(late)?;
    let message = said.ok_or_else(|| Status::cancelled("the session ended before Hello"))??;
    super::read::small(&message).map_err(|e| wire::to_status(&e))?;
    match message.kind {
        Some(v1::from_agent::Kind::Hello(hello)) => Ok(hello),
        _ => Err(Status::invalid_argument("the first message of a session must be Hello")),
    }
}

pub(super) fn read(node: &NodeName, hello: &v1::Hello) -> Result<Hello, WireError> {
    let document = hello.facts.as_ref().ok_or_else(|| WireError::missing("hello.facts"))?;
    let facts = super::read::facts(document)?;
    if facts.node != *node {
        return Err(WireError::new(
            "hello.facts.node",
            format!("{:?}, expected {node}", facts.node.as_str()),
        ));
    }
    if hello.runs.len() > limits::RUNS {
        let why = format!("{} of them, at most {} are accepted", hello.runs.len(), limits::RUNS);
        return Err(WireError::new("hello.runs", why));
    }
    let runs = hello.runs.iter().map(|r| RunId::new(r.clone()).map_err(|e| WireError::new("hello.runs", e)));
    Ok(Hello {
        machine: machine(hello, &facts)?,
        facts,
        ledger: LedgerId::new(hello.ledger.clone()).map_err(|e| WireError::new("hello.ledger", e))?,
        epoch: hello.epoch.as_ref().map(wire::epoch_from_wire).transpose()?,
        runs: runs.collect::<Result<_, _>>()?,
    })
}

/// The machine of a Hello; the fields are empty if the agent does not report them.
fn machine(hello: &v1::Hello, facts: &NodeFacts) -> Result<Machine, WireError> {
    let told = facts.machine.as_ref().map(|m| m.as_str().to_string()).unwrap_or_default();
    let id = if hello.machine.is_empty() { told } else { hello.machine.clone() };
    if !id.is_empty() {
        MachineId::new(id.clone()).map_err(|e| WireError::new("hello.machine", e))?;
    }
    if !hello.boot.is_empty() {
        BootId::new(hello.boot.clone()).map_err(|e| WireError::new("hello.boot", e))?;
    }
    Ok(Machine { id, boot: hello.boot.clone() })
}
