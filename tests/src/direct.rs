//! An agent and nothing else: the test speaks the session's own messages to it, without a coordinator.

use crate::sabotage::Sabotage;
use podlift_agent::config::Config;
use podlift_agent::link::{Channel, Link, LinkError};
use podlift_agent::{Agent, Seams};
use podlift_common::wire;
use podlift_lab::{HEAD_NODE, RECIPIENT, World};
use podlift_model::{Epoch, Failure, HostOp, InstanceId, Look, OpId, OpOutcome};
use podlift_proto::v1::{self, from_agent, op_report, to_agent};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

type Downlink = mpsc::Sender<Result<v1::ToAgent, tonic::Status>>;
type Ends = (Downlink, mpsc::Receiver<v1::FromAgent>);

struct DirectLink(mpsc::UnboundedSender<Ends>);

#[async_trait::async_trait]
impl Link for DirectLink {
    async fn open(&self) -> Result<Channel, LinkError> {
        let (send, from) = mpsc::channel(256);
        let (to, receive) = mpsc::channel(256);
        let gone = || LinkError { to: "test".into(), why: "the test is over".into() };
        self.0.send((to, from)).map_err(|_| gone())?;
        Ok(Channel { send, receive })
    }
}

/// An agent at the other end of a session.
pub struct Direct {
    to: Downlink,
    from: mpsc::Receiver<v1::FromAgent>,
    pub hello: v1::Hello,
    requests: u64,
    task: tokio::task::JoinHandle<()>,
    sabotage: Sabotage,
    _links: mpsc::UnboundedReceiver<Ends>,
}

pub fn epoch(number: u64, instance: &str) -> Epoch {
    Epoch { number, instance: InstanceId::new(instance).unwrap_or_else(|e| panic!("{e}")) }
}

/// CMDaemon's JSON API; the files are on the head's disk.
const API: &str = "[bcm.api]\nurl = \"https://127.0.0.1:8081\"\ncertificate = \"/root/.cm/admin.pem\"\nkey = \"/root/.cm/admin.key\"\nca = \"/root/.cm/cacert.pem\"\n";

pub fn config(world: &World, node: &str) -> Config {
    let cluster = &world.shape.cluster;
    let role = if node == HEAD_NODE { "role = \"head\"\n" } else { "" };
    let api = if node == HEAD_NODE && world.shape.bcm_api { API } else { "" };
    let text = format!(
        "{role}node = \"{node}\"\ncluster = \"{cluster}\"\ncoordinator = \"127.0.0.1:7443\"\n[backup]\nrecipients = [\"{RECIPIENT}\"]\n{api}"
    );
    podlift_common::config::parse(&text, Path::new("agent.toml")).unwrap_or_else(|e| panic!("{e}"))
}

impl Direct {
    /// Starts the agent of a node and waits for its Hello.
    pub async fn start(world: &Arc<World>, node: &str, sabotage: Sabotage) -> Self {
        let host = sabotage.host(world.host(node));
        let seams = Seams { wrap_ledger: sabotage.ledger(), ..Seams::default() };
        let agent = Agent::open_with(host, config(world, node), seams).unwrap_or_else(|e| panic!("{e}"));
        let (links, mut opened) = mpsc::unbounded_channel();
        let task = tokio::spawn(agent.run(Arc::new(DirectLink(links)), CancellationToken::new()));
        let Some((to, mut from)) = opened.recv().await else { panic!("the agent opened no session") };
        let hello = match from.recv().await.and_then(|m| m.kind) {
            Some(from_agent::Kind::Hello(hello)) => hello,
            other => panic!("expected Hello, got {other:?}"),
        };
        let direct = Self { to, from, hello, requests: 0, task, sabotage, _links: opened };
        direct
            .say(to_agent::Kind::Welcome(v1::Welcome {
                protocol: podlift_proto::PROTOCOL,
                coordinator_version: "test".into(),
                heartbeat_seconds: 5,
            }))
            .await;
        direct
    }

    async fn say(&self, kind: to_agent::Kind) {
        let message = v1::ToAgent { kind: Some(kind) };
        self.to.send(Ok(message)).await.unwrap_or_else(|_| panic!("the agent closed its session"));
    }

    /// What it says next, heartbeats left out.
    async fn hear(&mut self) -> from_agent::Kind {
        loop {
            match self.from.recv().await.and_then(|m| m.kind) {
                Some(from_agent::Kind::Heartbeat(_) | from_agent::Kind::HealReport(_)) => {}
                Some(kind) => return kind,
                None => panic!("the agent closed its session"),
            }
        }
    }

    pub async fn claim(&mut self, epoch: &Epoch) -> bool {
        self.requests += 1;
        let request = self.requests;
        self.say(to_agent::Kind::ClaimEpoch(v1::ClaimEpoch {
            request,
            epoch: Some(wire::epoch_to_wire(epoch)),
        }))
        .await;
        loop {
            if let from_agent::Kind::EpochReply(r) = self.hear().await
                && r.request == request
            {
                return r.accepted;
            }
        }
    }

    /// Runs an op to its end. Err: refused, never started.
    pub async fn run(&mut self, op_id: &str, epoch: &Epoch, op: &HostOp) -> Result<OpOutcome, Failure> {
        if let Some(lie) = self.sabotage.answer_for(op) {
            return Ok(lie);
        }
        self.request(op_id, epoch, wire::op_to_wire(op)).await
    }

    /// Asks for a look. Err: refused.
    pub async fn look(&mut self, id: &str, epoch: &Epoch, look: &Look) -> Result<OpOutcome, Failure> {
        self.request(id, epoch, wire::look_to_wire(look)).await
    }

    async fn request(&mut self, op_id: &str, epoch: &Epoch, op: v1::Op) -> Result<OpOutcome, Failure> {
        self.requests += 1;
        let request = self.requests;
        let op_id = OpId::new(op_id).unwrap_or_else(|e| panic!("{e}"));
        self.say(to_agent::Kind::RunOp(v1::RunOp {
            request,
            op_id: op_id.to_string(),
            epoch: Some(wire::epoch_to_wire(epoch)),
            op: Some(op),
        }))
        .await;
        loop {
            let from_agent::Kind::OpReport(report) = self.hear().await else { continue };
            if report.request != request {
                continue;
            }
            match report.state {
                Some(op_report::State::Outcome(o)) => {
                    return Ok(wire::outcome_from_wire(&o).unwrap_or_else(|e| panic!("{e}")));
                }
                Some(op_report::State::Refused(f)) => {
                    return Err(wire::failure_from_wire(&f).unwrap_or_else(|e| panic!("{e}")));
                }
                Some(op_report::State::Progress(_)) | None => {}
            }
        }
    }
}

impl Drop for Direct {
    /// As SIGKILL: nothing is said and nothing is finished.
    fn drop(&mut self) {
        self.task.abort();
    }
}
