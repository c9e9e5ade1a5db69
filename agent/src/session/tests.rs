//! Sessions over a link in memory.

use crate::agent::Agent;
use crate::link::{Channel, Link, LinkError};
use crate::testing::{Bench, EMPTY_API, Tools, end_unit};
use async_trait::async_trait;
use podlift_common::wire::{look_to_wire, op_to_wire, outcome_from_wire};
use podlift_host::paths;
use podlift_model::{HostOp, Look, OpOutcome, RunId};
use podlift_proto::v1::{self, from_agent, lookup_reply, op_report, to_agent};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

type ToAgent = mpsc::Sender<Result<v1::ToAgent, tonic::Status>>;

/// Gives the coordinator's ends of each session to the test.
struct TestLink {
    sessions: mpsc::UnboundedSender<Session>,
    refuse: Mutex<u32>,
}

struct Session {
    to: ToAgent,
    from: mpsc::Receiver<v1::FromAgent>,
}

#[async_trait]
impl Link for TestLink {
    async fn open(&self) -> Result<Channel, LinkError> {
        let mut refuse = self.refuse.lock().unwrap();
        if *refuse > 0 {
            *refuse -= 1;
            return Err(LinkError { to: "nowhere".into(), why: "refused".into() });
        }
        let (send, from) = mpsc::channel(16);
        let (to, receive) = mpsc::channel(16);
        self.sessions.send(Session { to, from }).unwrap();
        Ok(Channel { send, receive })
    }
}

impl Session {
    async fn say(&self, kind: to_agent::Kind) {
        self.to.send(Ok(v1::ToAgent { kind: Some(kind) })).await.unwrap();
    }
    /// The next message except heartbeats.
    async fn hear(&mut self) -> from_agent::Kind {
        loop {
            match self.from.recv().await.unwrap().kind.unwrap() {
                from_agent::Kind::Heartbeat(_) => {}
                kind => return kind,
            }
        }
    }
    async fn hello(&mut self) -> v1::Hello {
        match self.hear().await {
            from_agent::Kind::Hello(hello) => hello,
            other => panic!("{other:?}"),
        }
    }
    async fn claim(&mut self, number: u64, instance: &str) -> v1::EpochReply {
        let epoch = Some(v1::Epoch { number, instance: instance.into() });
        self.say(to_agent::Kind::ClaimEpoch(v1::ClaimEpoch { request: 1, epoch })).await;
        match self.hear().await {
            from_agent::Kind::EpochReply(reply) => reply,
            other => panic!("{other:?}"),
        }
    }
    async fn run(&self, op_id: &str, op: &HostOp) {
        self.send(op_id, op_to_wire(op)).await;
    }
    async fn look(&self, op_id: &str, look: &Look) {
        self.send(op_id, look_to_wire(look)).await;
    }
    async fn send(&self, op_id: &str, op: v1::Op) {
        let epoch = Some(v1::Epoch { number: 1, instance: "a".into() });
        let request = v1::RunOp { request: 7, op_id: op_id.into(), epoch, op: Some(op) };
        self.say(to_agent::Kind::RunOp(request)).await;
    }
    async fn report(&mut self) -> op_report::State {
        loop {
            match self.hear().await {
                from_agent::Kind::OpReport(v1::OpReport {
                    state: Some(op_report::State::Progress(_)),
                    ..
                }) => {}
                from_agent::Kind::OpReport(report) => return report.state.unwrap(),
                other => panic!("{other:?}"),
            }
        }
    }
    async fn welcome(&self) {
        let welcome = v1::Welcome {
            protocol: podlift_proto::PROTOCOL,
            coordinator_version: "0".into(),
            heartbeat_seconds: 0,
        };
        self.say(to_agent::Kind::Welcome(welcome)).await;
    }
}

struct Rig {
    bench: Bench,
    tools: Arc<Tools>,
    sessions: mpsc::UnboundedReceiver<Session>,
    stop: CancellationToken,
    agent: tokio::task::JoinHandle<()>,
}

fn rig(refuse: u32) -> Rig {
    let tools = Tools::with_packages("1.31.9-1.1");
    let answers = tools.clone();
    let bench = Bench::new(move |call| answers.answer(call)).control_plane();
    let (sender, sessions) = mpsc::unbounded_channel();
    let link = Arc::new(TestLink { sessions: sender, refuse: Mutex::new(refuse) });
    let stop = CancellationToken::new();
    let agent = Agent::open(bench.host.clone(), bench.config.clone()).unwrap();
    let agent = tokio::spawn(agent.run(link, stop.clone()));
    Rig { bench, tools, sessions, stop, agent }
}

fn disarm() -> HostOp {
    HostOp::GuardDisarm { run: RunId::new("r1").unwrap() }
}

#[tokio::test(start_paused = true)]
async fn hello_epoch_op_and_stop() {
    let mut rig = rig(3);
    let mut session = rig.sessions.recv().await.unwrap();
    let hello = session.hello().await;
    assert_eq!((hello.node.as_str(), hello.boot.as_str(), hello.epoch), ("runai-01", "boot-1", None));
    assert!(hello.facts.unwrap().json.contains("10.77.0.11:6443"));
    session.run("op-1", &disarm()).await;
    assert!(matches!(session.report().await, op_report::State::Refused(f) if f.code == "ledger-new"));
    assert!(session.claim(1, "a").await.accepted);
    let refused = session.claim(1, "b").await;
    assert_eq!((refused.accepted, refused.highest.unwrap().instance.as_str()), (false, "a"));
    session.run("op-1", &disarm()).await;
    let op_report::State::Outcome(outcome) = session.report().await else { panic!() };
    assert_eq!(outcome_from_wire(&outcome).unwrap(), OpOutcome::unchanged("no guard is armed"));
    rig.stop.cancel();
    rig.agent.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_op_outlives_its_session_and_is_found_by_lookup() {
    let mut rig = rig(0);
    let mut session = rig.sessions.recv().await.unwrap();
    session.hello().await;
    session.claim(1, "a").await;
    session.run("op-1", &HostOp::KubeadmNode { skip: vec![], whole: false }).await;
    while !rig.tools.running("podlift-op-1.service") {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    drop(session);
    end_unit(&rig.bench, &rig.tools, "op-1", 1);
    let mut session = rig.sessions.recv().await.unwrap();
    session.hello().await;
    loop {
        session.say(to_agent::Kind::Lookup(v1::Lookup { request: 9, op_id: "op-1".into() })).await;
        let from_agent::Kind::LookupReply(reply) = session.hear().await else { panic!() };
        if reply.state == lookup_reply::State::Ended as i32 {
            let outcome = outcome_from_wire(&reply.outcome.unwrap()).unwrap();
            assert!(matches!(outcome, OpOutcome::Failed { failure } if failure.code == "kubeadm-failed"));
            break;
        }
        assert_eq!(reply.state, lookup_reply::State::Running as i32);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(rig.bench.commands.count("systemd-run"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_heal_is_told_until_it_is_acknowledged() {
    let mut rig = rig(0);
    // A gate that is fatal on its own version: the heal repairs it without anything learned.
    let fatal = EMPTY_API
        .replace("--etcd-servers=", "--etcd-servers=https://a:2379")
        .replace("MaxUnavailableStatefulSet=true", "KMSv2=true");
    let mut session = rig.sessions.recv().await.unwrap();
    session.hello().await;
    session.welcome().await;
    rig.bench.files.put(paths::manifest(podlift_model::op::Component::KubeApiserver), fatal.as_bytes());
    rig.bench.watch.tell(podlift_host::Change::File("kube-apiserver.yaml".into()));
    let from_agent::Kind::HealReport(first) = session.hear().await else { panic!() };
    drop(session);
    let mut session = rig.sessions.recv().await.unwrap();
    session.hello().await;
    session.welcome().await;
    let from_agent::Kind::HealReport(again) = session.hear().await else { panic!() };
    assert_eq!(first, again);
    session.say(to_agent::Kind::HealAck(v1::HealAck { id: again.id })).await;
    drop(session);
    let mut session = rig.sessions.recv().await.unwrap();
    session.hello().await;
    session.welcome().await;
    session.claim(1, "a").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_understood_is_refused_by_field_and_another_protocol_ends_the_session() {
    let mut rig = rig(0);
    let mut session = rig.sessions.recv().await.unwrap();
    session.hello().await;
    let request = v1::RunOp { request: 7, op_id: "../x".into(), epoch: None, op: None };
    session.say(to_agent::Kind::RunOp(request)).await;
    assert!(
        matches!(session.report().await, op_report::State::Refused(f) if f.code == "invalid-request" && f.message.contains("op id"))
    );
    let welcome = v1::Welcome { protocol: 99, ..Default::default() };
    session.say(to_agent::Kind::Welcome(welcome)).await;
    while session.from.recv().await.is_some() {}
    rig.sessions.recv().await.unwrap().hello().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_hello_is_said_again_ever_more_seldom_and_a_welcome_forgets_that() {
    let mut rig = rig(0);
    let mut last = tokio::time::Instant::now();
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let mut session = rig.sessions.recv().await.unwrap();
        assert_eq!(session.hello().await.machine, "machine-1");
        pauses.push(last.elapsed());
        last = tokio::time::Instant::now();
        let refusal = tonic::Status::already_exists("machine machine-0 has a session under this name");
        session.to.send(Err(refusal)).await.unwrap();
    }
    assert!(pauses[1].as_secs() >= 2 && pauses[11].as_secs() >= 300, "{pauses:?}");
    assert!(pauses[1..].windows(2).all(|w| w[1] >= w[0] || w[1].as_secs() >= 300), "{pauses:?}");
    let mut session = rig.sessions.recv().await.unwrap();
    session.hello().await;
    session.welcome().await;
    session.claim(1, "a").await;
    let last = tokio::time::Instant::now();
    drop(session);
    rig.sessions.recv().await.unwrap().hello().await;
    assert!(last.elapsed().as_secs() < 2, "{:?}", last.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_backup_is_for_the_coordinator_in_office_only() {
    let mut rig = rig(0);
    let mut session = rig.sessions.recv().await.unwrap();
    session.hello().await;
    let path = paths::manifest(podlift_model::op::Component::KubeApiserver).display().to_string();
    let part = Look::BackupPart { path, offset: 0, recipients: vec![] };
    session.look("look-1", &part).await;
    assert!(
        matches!(session.report().await, op_report::State::Refused(f) if f.code == "epoch-stale"),
        "no epoch yet"
    );
    session.claim(1, "a").await;
    session.look("look-2", &part).await;
    assert!(matches!(session.report().await, op_report::State::Outcome(_)));
    session.claim(2, "b").await;
    session.look("look-3", &part).await;
    let op_report::State::Refused(refused) = session.report().await else { panic!() };
    assert!(refused.code == "epoch-stale" && refused.message.contains("in office"), "{refused:?}");
    session.look("look-4", &Look::Facts).await;
    assert!(matches!(session.report().await, op_report::State::Outcome(_)), "other looks need none");
}
