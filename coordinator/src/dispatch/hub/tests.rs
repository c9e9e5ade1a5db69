//! Sessions over channels. The test plays the agent by hand.

use super::{Hub, HubSettings};
use crate::dispatch::{Agents, Looked};
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, name, store};
use podlift_common::clock::{SystemClock, TokioClock};
use podlift_common::tls::Identity;
use podlift_common::wire;
use podlift_engine::machine::Event;
use podlift_model::Look;
use podlift_model::heal::HealEvent;
use podlift_model::*;
use podlift_proto::v1::{self, from_agent, lookup_reply, op_report, to_agent};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

pub(super) struct Lab {
    pub hub: Arc<Hub>,
    pub journal: MemoryJournal,
    pub fleet: Arc<Fleet>,
    pub store: Arc<crate::store::Store>,
}

/// The agent's side of a session.
#[derive(Debug)]
pub(super) struct Played {
    pub send: mpsc::Sender<Result<v1::FromAgent, Status>>,
    pub receive: mpsc::Receiver<Result<Box<v1::ToAgent>, Status>>,
}

pub(super) fn lab() -> Lab {
    let (journal, fleet) = (MemoryJournal::new(), Fleet::new());
    let settings = HubSettings { observe_timeout: Duration::from_secs(10), ..HubSettings::default() };
    let (cluster, store) = (ClusterName::new("runaicluster").unwrap(), store(&journal));
    let hub = Hub::new(cluster, store.clone(), Arc::new(SystemClock), settings);
    Lab { hub, journal, fleet, store }
}

/// A hub with a cluster to ask, and a clock that stands still.
pub(super) fn lab_over(fleet: Arc<Fleet>) -> Lab {
    let journal = MemoryJournal::new();
    let (cluster, store) = (ClusterName::new("runaicluster").unwrap(), store(&journal));
    let clock = TokioClock::starting_at("2026-11-22T02:00:00Z".parse().unwrap());
    let hub = Hub::over(fleet.clone(), cluster, store.clone(), Arc::new(clock), HubSettings::default());
    Lab { hub, journal, fleet, store }
}

pub(super) fn facts(node: &str, ledger: &str) -> NodeFacts {
    let fleet = Fleet::new();
    let facts = fleet.lock().facts[&name("dgx030")].clone();
    NodeFacts { node: name(node), ledger: LedgerId::new(ledger).unwrap(), ..facts }
}

pub(super) fn hello(node: &str, ledger: &str) -> v1::Hello {
    v1::Hello {
        machine: String::new(),
        protocol: podlift_proto::PROTOCOL,
        node: node.into(),
        agent_version: "0.1.0".into(),
        ledger: ledger.into(),
        boot: "boot-1".into(),
        epoch: None,
        runs: vec![],
        facts: Some(wire::to_document("podlift.facts/v1", &facts(node, ledger))),
    }
}

fn identity(path: &str) -> Identity {
    format!("spiffe://podlift/runaicluster/{path}").parse().unwrap()
}

pub(super) fn epoch() -> Epoch {
    Epoch { number: 3, instance: InstanceId::new("one").unwrap() }
}

pub(super) fn op() -> OpId {
    OpId::new("r1-s0001-a1").unwrap()
}

impl Lab {
    pub async fn attach(&self, peer: &str, hello: v1::Hello) -> Result<Played, Status> {
        let (send, inbound) = mpsc::channel(16);
        let first = v1::FromAgent { kind: Some(from_agent::Kind::Hello(hello)) };
        send.send(Ok(first)).await.unwrap();
        let receive = self.hub.attach(identity(peer), ReceiverStream::new(inbound)).await?;
        Ok(Played { send, receive })
    }

    pub async fn connect(&self, ledger: &str) -> Played {
        let mut played = self.attach("node/dgx030", hello("dgx030", ledger)).await.unwrap();
        assert!(matches!(played.next().await, Some(to_agent::Kind::Welcome(_))));
        played
    }

    pub async fn advance(&self, by: Duration) {
        tokio::time::advance(by).await;
    }

    /// Waits until the hub has noticed the end of sessions.
    pub async fn settle(&self) {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    pub fn run(&self) -> tokio::task::JoinHandle<Result<OpOutcome, Failure>> {
        let hub = self.hub.clone();
        tokio::spawn(async move {
            hub.run(
                &name("dgx030"),
                &op(),
                &epoch(),
                &HostOp::KubeletRestart { devices: None },
                Arc::new(|_| {}),
            )
            .await
        })
    }
}

impl Played {
    pub async fn next(&mut self) -> Option<to_agent::Kind> {
        self.receive.recv().await?.ok()?.kind
    }
    pub async fn say(&self, kind: from_agent::Kind) {
        self.send.send(Ok(v1::FromAgent { kind: Some(kind) })).await.unwrap();
    }
    pub async fn op(&mut self) -> v1::RunOp {
        match self.next().await {
            Some(to_agent::Kind::RunOp(op)) => op,
            other => panic!("expected an op, got {other:?}"),
        }
    }
    pub async fn report(&self, asked: &v1::RunOp, state: op_report::State) {
        let (request, op_id) = (asked.request, asked.op_id.clone());
        let report = v1::OpReport { request, op_id, ledger: "l1".into(), state: Some(state) };
        self.say(from_agent::Kind::OpReport(report)).await;
    }
    pub async fn answer_lookup(
        &mut self,
        ledger: &str,
        state: lookup_reply::State,
        outcome: Option<&OpOutcome>,
    ) {
        let Some(to_agent::Kind::Lookup(asked)) = self.next().await else { panic!("expected a lookup") };
        let outcome = outcome.map(wire::outcome_to_wire);
        let (request, ledger, state) = (asked.request, ledger.to_string(), state as i32);
        self.say(from_agent::Kind::LookupReply(v1::LookupReply { request, ledger, state, outcome })).await;
    }
}

pub(super) fn ended(outcome: &OpOutcome) -> op_report::State {
    op_report::State::Outcome(wire::outcome_to_wire(outcome))
}

#[tokio::test(start_paused = true)]
async fn an_agent_speaks_only_for_its_own_node() {
    let lab = lab();
    let refused = lab.attach("node/dgx031", hello("dgx030", "l1")).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(refused.message().contains("dgx030") && refused.message().contains("dgx031"), "{refused}");
    let person = lab.attach("operator/eve", hello("dgx030", "l1")).await.err().unwrap();
    assert_eq!(person.code(), Code::PermissionDenied);
    assert!(lab.hub.seen().is_empty() && lab.journal.records().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_agent_of_another_protocol_is_refused_and_remembered() {
    let lab = lab();
    let old = v1::Hello { protocol: 0, ..hello("dgx030", "l1") };
    let refused = lab.attach("node/dgx030", old).await.err().unwrap();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let why = lab.hub.refused()[&name("dgx030")].clone();
    assert!(why.contains("protocol 0") && why.contains("speaks 1"), "{why}");
    let _now = lab.connect("l1").await;
    assert!(lab.hub.refused().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_new_session_replaces_the_old_one() {
    let lab = lab();
    let mut first = lab.connect("l1").await;
    let _second = lab.connect("l1").await;
    assert!(first.next().await.is_none(), "the old session ends");
    tokio::task::yield_now().await;
    assert_eq!(lab.hub.ledger(&name("dgx030")).unwrap().as_str(), "l1");
    assert_eq!(lab.journal.records().len(), 1, "connected once");
}

#[tokio::test(start_paused = true)]
async fn another_memory_is_journaled() {
    let lab = lab();
    drop(lab.connect("l1").await);
    let _again = lab.connect("l2").await;
    let events: Vec<Event> = lab.journal.records().into_iter().map(|r| r.event).collect();
    assert!(
        matches!(&events[..], [Event::AgentConnected { .. }, Event::LedgerChanged { before, now, .. }] if before.as_str() == "l1" && now.as_str() == "l2")
    );
}

#[tokio::test(start_paused = true)]
async fn looks_are_answered_or_given_up() {
    let lab = lab();
    let nobody = lab.hub.observe(&name("dgx030"), &Look::Facts).await.unwrap_err();
    assert_eq!((nobody.class, nobody.code.as_str()), (FailureClass::Transient, "agent-unreachable"));
    let mut agent = lab.connect("l1").await;
    let hub = lab.hub.clone();
    let look = tokio::spawn(async move { hub.observe(&name("dgx030"), &Look::Facts).await });
    let asked = agent.op().await;
    let output = OpOutput::Facts(Box::new(NodeFacts { free_bytes: 7, ..facts("dgx030", "l1") }));
    agent.report(&asked, ended(&OpOutcome::Done { output })).await;
    assert!(look.await.unwrap().is_ok());
    assert_eq!(lab.hub.seen()[0].facts.free_bytes, 7, "facts that were asked for are news too");
    let silent = lab.hub.observe(&name("dgx030"), &Look::Facts).await.unwrap_err();
    assert!(silent.message.contains("did not answer within 10 s"), "{}", silent.message);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_is_heard_across_sessions() {
    let lab = lab();
    let mut agent = lab.connect("l1").await;
    let running = lab.run();
    let asked = agent.op().await;
    assert_eq!((asked.op_id.as_str(), asked.epoch.clone().unwrap().number), ("r1-s0001-a1", 3));
    drop(agent);
    let mut agent = lab.connect("l1").await;
    agent.answer_lookup("l1", lookup_reply::State::Running, None).await;
    // A restarted agent has no receiver for the end. The hub asks it again under the same id, and the agent follows the op that it found.
    let asked = agent.op().await;
    assert_eq!(asked.op_id, "r1-s0001-a1");
    let done = OpOutcome::changed("restarted");
    agent.report(&asked, ended(&done)).await;
    assert_eq!(running.await.unwrap(), Ok(done.clone()));
    // Duplicated and late reports: no task waits for them, and they do no harm.
    agent.report(&asked, ended(&done)).await;
    agent.report(&asked, ended(&OpOutcome::Indeterminate { why: "x".into() })).await;
    let hub = lab.hub.clone();
    let lookup = tokio::spawn(async move { hub.lookup(&name("dgx030"), &op()).await });
    agent.answer_lookup("l1", lookup_reply::State::Ended, Some(&done)).await;
    assert!(matches!(lookup.await.unwrap(), Ok(Looked::Ended { outcome, .. }) if *outcome == done));
}

#[tokio::test(start_paused = true)]
async fn an_op_that_never_arrived_is_sent_again_under_its_id() {
    let lab = lab();
    let mut agent = lab.connect("l1").await;
    let running = lab.run();
    let first = agent.op().await;
    drop(agent);
    let mut agent = lab.connect("l1").await;
    agent.answer_lookup("l1", lookup_reply::State::Unknown, None).await;
    let again = agent.op().await;
    assert_eq!(again.op_id, first.op_id);
    agent.report(&again, ended(&OpOutcome::changed("done"))).await;
    assert!(running.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_memory_lost_in_between_is_indeterminate() {
    let lab = lab();
    let mut agent = lab.connect("l1").await;
    let running = lab.run();
    agent.op().await;
    drop(agent);
    let _forgetful = lab.connect("l2").await;
    let outcome = running.await.unwrap().unwrap();
    assert!(
        matches!(&outcome, OpOutcome::Indeterminate { why } if why.contains("lost its memory")),
        "{outcome:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_does_not_come_back_leaves_the_end_unknown() {
    let lab = lab();
    let mut agent = lab.connect("l1").await;
    let running = lab.run();
    agent.op().await;
    drop(agent);
    assert_eq!(running.await.unwrap().unwrap_err().code, "agent-unreachable");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_no_outcome() {
    let lab = lab();
    let mut agent = lab.connect("l1").await;
    let running = lab.run();
    let asked = agent.op().await;
    let failure = Failure::operator("epoch-stale", "epoch 4 commands");
    agent.report(&asked, op_report::State::Refused(wire::failure_to_wire(&failure))).await;
    assert_eq!(running.await.unwrap(), Err(failure));
}

#[tokio::test(start_paused = true)]
async fn a_heal_is_acknowledged_when_it_is_in_the_journal_and_counted_once() {
    let lab = lab();
    let mut agent = lab.connect("l1").await;
    let heal = HealEvent {
        id: "h1".into(),
        node: name("dgx030"),
        file: "kube-apiserver.yaml".into(),
        rules: vec!["etcd-servers-empty".into()],
        at: jiff::Timestamp::UNIX_EPOCH,
        latency_us: 900,
        before: Digest::of("a"),
        after: Digest::of("b"),
        diff: String::new(),
    };
    let document = wire::to_document("podlift.heal/v1", &heal);
    let report = v1::HealReport { id: "h1".into(), heal: Some(document) };
    for _ in 0..2 {
        agent.say(from_agent::Kind::HealReport(report.clone())).await;
        assert!(matches!(agent.next().await, Some(to_agent::Kind::HealAck(ack)) if ack.id == "h1"));
    }
    let heals = lab.journal.records().into_iter().filter(|r| matches!(r.event, Event::Healed { .. }));
    assert_eq!(heals.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_claim_tells_who_is_higher() {
    let lab = lab();
    let mut agent = lab.connect("l1").await;
    let hub = lab.hub.clone();
    let claim = tokio::spawn(async move { hub.claim(&name("dgx030"), &epoch()).await });
    let Some(to_agent::Kind::ClaimEpoch(asked)) = agent.next().await else { panic!() };
    let highest = Some(v1::Epoch { number: 9, instance: "two".into() });
    let reply = v1::EpochReply { request: asked.request, accepted: false, highest };
    agent.say(from_agent::Kind::EpochReply(reply)).await;
    assert_eq!(claim.await.unwrap(), Ok(false));
    assert_eq!(lab.hub.epoch(&name("dgx030")).unwrap().number, 9);
}
