//! A real agent on a World, in process, on a paused clock: every op ends, the guard heals, a power cut is survived.
#![allow(clippy::unwrap_used)] // a test may panic

use crate::common::{recorded, world};
use async_trait::async_trait;
use podlift_agent::{Agent, Channel, Config, Link, LinkError, Seams};
use podlift_common::wire;
use podlift_lab::{Audit, Shape, What, World};
use podlift_model::op::{Addon, Package, PackagePin, SkipPhase};
use podlift_model::{Epoch, HostOp, InstanceId, Look, OpOutcome, OpOutput, RunId};
use podlift_proto::v1::{self, from_agent, op_report, to_agent};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

type Ends = (mpsc::Sender<Result<v1::ToAgent, tonic::Status>>, mpsc::Receiver<v1::FromAgent>);

/// Hands out one session, then refuses.
struct OneSession(Mutex<Option<Channel>>);

#[async_trait]
impl Link for OneSession {
    async fn open(&self) -> Result<Channel, LinkError> {
        let taken = self.0.lock().unwrap().take();
        taken.ok_or(LinkError { to: "lab".into(), why: "one session only".into() })
    }
}

struct Driver {
    ends: Ends,
    number: u64,
    epoch: Epoch,
    stop: CancellationToken,
}

impl Driver {
    async fn start(world: &Arc<World>, node: &str) -> Self {
        let config = Config::new(
            node.parse().unwrap(),
            "runaicluster".parse().unwrap(),
            "127.0.0.1:1".parse().unwrap(),
        );
        let agent =
            Agent::open_with(world.host(node), config, Seams::default()).unwrap_or_else(|e| panic!("{e}"));
        let (to_agent, receive) = mpsc::channel(16);
        let (send, from_agent) = mpsc::channel(16);
        let stop = CancellationToken::new();
        tokio::spawn(
            agent.run(Arc::new(OneSession(Mutex::new(Some(Channel { send, receive })))), stop.clone()),
        );
        let epoch = Epoch { number: 1, instance: InstanceId::new("i1").unwrap() };
        let mut driver = Self { ends: (to_agent, from_agent), number: 0, epoch, stop };
        let welcome = v1::Welcome {
            protocol: podlift_proto::PROTOCOL,
            coordinator_version: "0".into(),
            heartbeat_seconds: 5,
        };
        driver.say(to_agent::Kind::Welcome(welcome)).await;
        let claim = v1::ClaimEpoch { request: 1, epoch: Some(wire::epoch_to_wire(&driver.epoch)) };
        driver.say(to_agent::Kind::ClaimEpoch(claim)).await;
        driver
    }

    async fn say(&mut self, kind: to_agent::Kind) {
        self.ends.0.send(Ok(v1::ToAgent { kind: Some(kind) })).await.unwrap();
    }

    /// Sends an op and waits for its outcome.
    async fn op(&mut self, op: HostOp) -> OpOutcome {
        self.request(wire::op_to_wire(&op)).await
    }

    async fn request(&mut self, op: v1::Op) -> OpOutcome {
        self.number += 1;
        let op_id = format!("op-{}", self.number);
        let run = v1::RunOp {
            request: self.number,
            op_id: op_id.clone(),
            epoch: Some(wire::epoch_to_wire(&self.epoch)),
            op: Some(op.clone()),
        };
        self.say(to_agent::Kind::RunOp(run)).await;
        loop {
            let message = self.ends.1.recv().await.unwrap_or_else(|| panic!("session ended in {op:?}"));
            let Some(from_agent::Kind::OpReport(report)) = message.kind else { continue };
            match report.state.unwrap() {
                op_report::State::Outcome(o) if report.op_id == op_id => {
                    return wire::outcome_from_wire(&o).unwrap();
                }
                op_report::State::Refused(f) => panic!("{op:?} refused: {f:?}"),
                _ => {}
            }
        }
    }

    /// What a look tells.
    async fn told(&mut self, look: Look) -> OpOutput {
        match self.request(wire::look_to_wire(&look)).await {
            OpOutcome::Done { output } => output,
            other => panic!("{look:?}: {other:?}"),
        }
    }

    async fn done(&mut self, op: HostOp) -> OpOutput {
        match self.op(op.clone()).await {
            OpOutcome::Done { output } => output,
            other => panic!("{op:?}: {other:?}"),
        }
    }
}

fn run() -> RunId {
    RunId::new("run1").unwrap()
}

fn pins(packages: &[Package]) -> Vec<PackagePin> {
    packages.iter().map(|p| PackagePin { package: *p, version: "1.32.9-1.1".parse().unwrap() }).collect()
}

async fn until_kubeadm(d: &mut Driver) {
    let all = pins(&[Package::Kubeadm, Package::Kubelet, Package::Kubectl]);
    d.done(HostOp::AptSource { minor: "v1.32".parse().unwrap() }).await;
    d.done(HostOp::AptUpdate).await;
    d.done(HostOp::PackageDownload { packages: all }).await;
    d.done(HostOp::PackageInstall { packages: pins(&[Package::Kubeadm]), repair: false, devices: None })
        .await;
}

async fn kubelet(d: &mut Driver) {
    d.done(HostOp::PackageInstall {
        packages: pins(&[Package::Kubelet, Package::Kubectl]),
        repair: false,
        devices: None,
    })
    .await;
    d.done(HostOp::KubeletConfig).await;
    d.done(HostOp::KubeletRestart { devices: None }).await;
}

#[tokio::test(start_paused = true)]
async fn every_op_ends_and_the_audit_is_content() {
    let to = "v1.32.9".parse().unwrap();
    let world = world(Shape { empty_endpoints: false, ..recorded() });
    let skip = vec![SkipPhase::Addon, SkipPhase::KubeletConfig];
    for (i, node) in ["runai-01", "runai-02", "runai-03", "dgx030", "dgx031"].into_iter().enumerate() {
        let mut d = Driver::start(&world, node).await;
        d.told(Look::Facts).await;
        d.told(Look::Packages { to }).await;
        if i == 0 {
            d.done(HostOp::EtcdSnapshot { run: run() }).await;
            d.done(HostOp::EtcdMoveLeader).await;
        }
        until_kubeadm(&mut d).await;
        if i < 3 {
            d.done(HostOp::ManifestBackup { run: run() }).await;
            d.told(Look::EtcdHealth).await;
            d.done(HostOp::ImagePull { to }).await;
            d.told(Look::KubeadmDiff { to }).await;
            let op = if i == 0 {
                HostOp::KubeadmApply { ignore: vec![], to, skip: skip.clone(), whole: false }
            } else {
                HostOp::KubeadmNode { skip: skip.clone(), whole: false }
            };
            d.done(op).await;
            world.until(|s| s.front_up(node)).await;
            let OpOutput::ApiServer(state) = d.told(Look::ApiServer).await else { panic!() };
            assert!(state.ready && state.flags_match && state.running == Some(to), "{state:?}");
        } else {
            d.done(HostOp::KubeadmNode { skip: vec![], whole: false }).await;
        }
        if i == 2 {
            d.done(HostOp::KubeadmAddons { to, addons: Addon::ALL.to_vec() }).await;
        }
        kubelet(&mut d).await;
        d.stop.cancel();
    }
    assert_eq!(world.audit(to), Audit::default());
    let snapshot = world.snapshot();
    assert!(snapshot.nodes.values().all(|n| n.held == ["kubeadm", "kubectl", "kubelet"]));
}

#[tokio::test(start_paused = true)]
async fn the_guard_heals_and_kubeadm_waits_on_the_healed_pod() {
    let to = "v1.32.9".parse().unwrap();
    let world = world(recorded());
    let mut d = Driver::start(&world, "runai-01").await;
    // Expectations are learned from an API server that is Ready.
    tokio::time::sleep(Duration::from_secs(60)).await;
    until_kubeadm(&mut d).await;
    d.done(HostOp::GuardArm { allow: vec![], run: run(), seconds: 1800 }).await;
    d.done(HostOp::KubeadmApply {
        ignore: vec![],
        to,
        skip: vec![SkipPhase::Addon, SkipPhase::KubeletConfig],
        whole: false,
    })
    .await;
    world.until(|s| s.front_up("runai-01")).await;
    let OpOutput::ApiServer(state) = d.told(Look::ApiServer).await else { panic!() };
    assert!(state.ready && state.flags_match && state.running == Some(to), "{state:?}");
    let effects = world.effects();
    assert!(!effects.iter().any(|e| matches!(e.what, What::ContainerCrash { .. })));
    let waited = |w: &What| matches!(w, What::KubeadmWaited { component, own: false } if component == "kube-apiserver");
    assert!(effects.iter().any(|e| waited(&e.what)));
}

#[tokio::test(start_paused = true)]
async fn a_power_cut_in_an_apply_is_indeterminate() {
    let to = "v1.32.9".parse().unwrap();
    let world = world(Shape { empty_endpoints: false, ..recorded() });
    let mut d = Driver::start(&world, "runai-01").await;
    until_kubeadm(&mut d).await;
    let cut = world.clone();
    tokio::spawn(async move {
        cut.until(|s| s.effects.iter().any(|e| matches!(e.what, What::ManifestRename { .. }))).await;
        cut.power_cut("runai-01");
    });
    let apply = tokio::time::timeout(
        Duration::from_secs(120),
        d.op(HostOp::KubeadmApply { ignore: vec![], to, skip: vec![], whole: false }),
    )
    .await;
    assert!(!matches!(apply, Ok(OpOutcome::Done { .. })), "{apply:?}");
    d.stop.cancel();
    world.until(|s| s.front_up("runai-01")).await;
    let mut again = Driver::start(&world, "runai-01").await;
    let lookup = v1::Lookup { request: 9, op_id: "op-5".into() };
    again.say(to_agent::Kind::Lookup(lookup)).await;
    let outcome = loop {
        let message = again.ends.1.recv().await.unwrap();
        if let Some(from_agent::Kind::LookupReply(reply)) = message.kind {
            break wire::outcome_from_wire(&reply.outcome.unwrap()).unwrap();
        }
    };
    assert!(matches!(outcome, OpOutcome::Indeterminate { .. }), "{outcome:?}");
}
