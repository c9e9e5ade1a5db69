//! The small fleet's agents: each op takes effect at once, at most once for each op id.

use super::fleet::{Fleet, PLANES, State, endpoints, name};
use crate::dispatch::{Agents, Looked, Progress, unreachable};
use async_trait::async_trait;
use podlift_engine::view::SeenNode;
use podlift_model::Look;
use podlift_model::components::ComponentState;
use podlift_model::facts::*;
use podlift_model::op::{Component, Package};
use podlift_model::survey::{CertificatesState, DevicesState};
use podlift_model::*;
use std::collections::{BTreeMap, BTreeSet};

#[async_trait]
impl Agents for Fleet {
    fn seen(&self) -> Vec<SeenNode> {
        let s = self.lock();
        let at = jiff::Timestamp::UNIX_EPOCH;
        s.facts
            .values()
            .map(|f| SeenNode { facts: f.clone().into(), at, connected: !s.offline.contains(&f.node) })
            .collect()
    }

    fn ledger(&self, node: &NodeName) -> Option<LedgerId> {
        let s = self.lock();
        s.ledger_of(node).filter(|_| !s.offline.contains(node)).cloned()
    }

    fn epoch(&self, node: &NodeName) -> Option<Epoch> {
        self.lock().epochs.get(node).cloned()
    }

    fn runs(&self) -> BTreeSet<RunId> {
        self.lock().remembered.iter().cloned().collect()
    }

    fn runs_of(&self, counts: &dyn Fn(&NodeName) -> bool) -> BTreeSet<RunId> {
        let by: BTreeMap<NodeName, Vec<RunId>> = self.lock().remembered_by.clone();
        let of_some = by.into_iter().filter(|(node, _)| counts(node)).flat_map(|(_, runs)| runs);
        of_some.chain(self.runs()).collect()
    }

    fn refused(&self) -> BTreeMap<NodeName, String> {
        BTreeMap::new()
    }

    async fn observe(&self, node: &NodeName, look: &Look) -> Result<OpOutput, Failure> {
        if let Look::Survey { .. } = look {
            self.surveyed(node).await;
        }
        if look.is_of_head() {
            return self.of_head(node, look).await;
        }
        let mut s = self.lock();
        match look {
            _ if s.offline.contains(node) => Err(unreachable(node, "it is not connected")),
            Look::BackupPart { path, offset, .. } => s.part(node, path, *offset),
            look => Ok(s.look(node, look)),
        }
    }

    async fn run(
        &self,
        node: &NodeName,
        op_id: &OpId,
        epoch: &Epoch,
        op: &HostOp,
        progress: Progress,
    ) -> Result<OpOutcome, Failure> {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        progress(format!("{} runs", op.verb()));
        let mut s = self.lock();
        if s.offline.contains(node) {
            return Err(unreachable(node, "it is not connected"));
        }
        if s.epochs.get(node) != Some(epoch) {
            return Err(Failure::operator("epoch-stale", "another epoch"));
        }
        if let (HostOp::Bcm(_), Some(site)) = (op, &s.site)
            && site.old
        {
            return Err(Failure::permanent(codes::INVALID_REQUEST, "field op.kind is missing"));
        }
        if let Some(known) = s.ledgers[node].get(op_id) {
            return Ok(known.clone());
        }
        if let Some(left) = s.busy.get_mut(op.verb()).filter(|n| **n > 0) {
            *left -= 1;
            return Err(Failure::transient("busy", "op x runs on this node"));
        }
        let outcome = s.outcome(node, op_id, op);
        s.ledgers.get_mut(node).unwrap().insert(op_id.clone(), outcome.clone());
        match s.unheard.get_mut(op.verb()).filter(|n| **n > 0) {
            Some(left) => {
                *left -= 1;
                Err(unreachable(node, "its session ended"))
            }
            None => Ok(outcome),
        }
    }

    async fn lookup(&self, node: &NodeName, op_id: &OpId) -> Result<Looked, Failure> {
        let s = self.lock();
        if s.offline.contains(node) {
            return Err(unreachable(node, "it is not connected"));
        }
        let ledger = s.ledger_of(node).unwrap().clone();
        Ok(match s.ledgers[node].get(op_id) {
            Some(outcome) => Looked::Ended { ledger, outcome: Box::new(outcome.clone()) },
            None => Looked::Unknown { ledger },
        })
    }

    async fn claim(&self, node: &NodeName, epoch: &Epoch) -> Result<bool, Failure> {
        let mut s = self.lock();
        if s.offline.contains(node) {
            return Err(unreachable(node, "it is not connected"));
        }
        let may = epoch.may_follow(s.epochs.get(node));
        if may {
            s.epochs.insert(node.clone(), epoch.clone());
        }
        Ok(may)
    }
}

impl Fleet {
    /// A question to BCM takes a while, or never ends.
    async fn of_head(&self, node: &NodeName, look: &Look) -> Result<OpOutput, Failure> {
        if let Some(site) = &mut self.lock().site {
            site.at_once += 1;
            site.most_at_once = site.most_at_once.max(site.at_once);
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        if let Some(site) = &mut self.lock().site {
            site.at_once -= 1;
        }
        let answer = self.lock().of_head(node, look);
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// A survey takes a while, or never ends.
    async fn surveyed(&self, node: &NodeName) {
        let silent = {
            let mut s = self.lock();
            s.at_once += 1;
            s.most_at_once = s.most_at_once.max(s.at_once);
            s.silent.contains(node)
        };
        match silent {
            true => std::future::pending().await,
            false => tokio::task::yield_now().await,
        }
        self.lock().at_once -= 1;
    }
}

impl State {
    fn look(&self, node: &NodeName, look: &Look) -> OpOutput {
        if let Look::Certificates = look {
            let (certificates, unreadable) = (vec![], BTreeMap::new());
            return OpOutput::Certificates(CertificatesState { certificates, unreadable });
        }
        let facts = &self.facts[node];
        match look {
            Look::Facts => OpOutput::Facts(Box::new(facts.clone())),
            Look::Packages { to } => OpOutput::Packages(offers(*to)),
            Look::KubeadmDiff { .. } => OpOutput::Diff(vec![]),
            Look::EtcdHealth => OpOutput::Etcd(self.etcd(node)),
            Look::ApiServer => OpOutput::ApiServer(ApiServerState {
                hash_matches: None,
                wants_credentials: false,
                object_read: Some(true),
                endpoint: facts.advertise.clone().unwrap_or_default(),
                ready: true,
                readyz: "ok".into(),
                running: facts.manifests.first().and_then(|m| m.version),
                flags_match: true,
                restarts: 0,
                last_exit: None,
                log_tail: String::new(),
                kubeadm_running: false,
            }),
            Look::Components => OpOutput::Components(self.components(node)),
            Look::Images { .. } => OpOutput::Images(podlift_engine::testing::survey::images()),
            Look::Devices => {
                let (mounts, infiniband) = (Ok(BTreeMap::new()), Ok(vec![]));
                OpOutput::Devices(DevicesState { mounts, infiniband })
            }
            Look::Manifests => OpOutput::Manifests(vec![]),
            Look::Backup { run } => {
                let files = self.backups.get(node).cloned().unwrap_or_default();
                let snapshot = self.snapshot.clone().filter(|_| node.as_str() == PLANES[0]);
                OpOutput::Backup(BackupState {
                    overrides: self.overrides.clone(),
                    run: run.clone(),
                    files,
                    snapshot,
                })
            }
            Look::Survey { .. } => OpOutput::Survey(Box::new(podlift_engine::testing::survey::node_survey(
                facts.advertise.is_some(),
            ))),
            Look::BackupFiles => OpOutput::BackupFiles(self.files.listed(node)),
            Look::Deletion { .. } => OpOutput::Deletion(Default::default()),
            _ => unreachable!("answered before"),
        }
    }

    /// All healthy, each with the version of its manifest.
    fn components(&self, node: &NodeName) -> Vec<ComponentState> {
        let healthy = |m: &ManifestFacts| ComponentState {
            component: m.component,
            endpoint: "127.0.0.1:1".into(),
            ready: true,
            answer: "ok".into(),
            wants_credentials: false,
            object_read: (m.component == Component::KubeApiserver).then_some(true),
            object_answer: String::new(),
            running: m.version,
            flags_match: true,
            hash_matches: Some(true),
            container: Some(format!("{}-{}", m.component, m.sha256)),
            restarts: 0,
            last_exit: None,
            last_exit_at: None,
            log_tail: String::new(),
            kubeadm_running: false,
        };
        self.facts[node].manifests.iter().map(healthy).collect()
    }

    /// Gives a part only to the coordinator whose epoch the agent has stored.
    fn part(&mut self, node: &NodeName, path: &str, offset: u64) -> Result<OpOutput, Failure> {
        if !self.epochs.contains_key(node) {
            return Err(Failure::operator("epoch-stale", "no epoch was claimed here"));
        }
        if self.in_clear {
            return Ok(OpOutput::BackupPart(self.files.in_clear(node, path, offset)));
        }
        let to = self.facts[node].recipients.clone();
        self.files.part(node, path, offset, &to).map(OpOutput::BackupPart)
    }

    fn etcd(&self, node: &NodeName) -> EtcdState {
        // Every cluster writes all the time.
        let revision = self.revisions.replace(self.revisions.get() + 1);
        let member = |i: usize| EtcdMember {
            name: PLANES[i].into(),
            id: Some(format!("{:x}", i + 1)),
            endpoint: endpoints()[i].clone(),
            healthy: !self.is_gone(&name(PLANES[i])),
            leader: i == self.leader,
            local: PLANES[i] == node.as_str(),
            revision: 4107 + revision,
            version: "3.5.26".into(),
            error: None,
            db_size_bytes: Some(64 << 20),
            latency_ms: Some(3),
        };
        EtcdState {
            overrides: std::collections::BTreeMap::new(),
            cluster: "eed5f7f8a2ce3bef".into(),
            members: (0..3).map(member).collect(),
            alarms: vec![],
        }
    }

    fn outcome(&mut self, node: &NodeName, op_id: &OpId, op: &HostOp) -> OpOutcome {
        if let Some(failure) = self.failing.get_mut(op.verb()).and_then(Vec::pop) {
            return OpOutcome::Failed { failure };
        }
        match op {
            HostOp::Bcm(op) => {
                if let Err(failure) = self.bcm_op(op) {
                    return OpOutcome::Failed { failure };
                }
            }
            op if !self.idle.contains(op.verb()) => self.effect(node, op),
            _ => {}
        }
        self.effects.push((node.to_string(), op.verb().into(), op_id.to_string()));
        OpOutcome::changed(op.verb())
    }

    fn effect(&mut self, node: &NodeName, op: &HostOp) {
        let facts = self.facts.get_mut(node).unwrap();
        match op {
            HostOp::AptSource { minor } => facts.apt_minor = Some(*minor),
            HostOp::PackageInstall { packages, .. } => {
                for pin in packages {
                    let state = PackageState { version: Some(pin.version.clone()), held: true };
                    facts.packages.insert(pin.package.name().into(), state);
                    match pin.package {
                        Package::Kubelet => facts.kubelet = Some(pin.version.kube),
                        Package::Kubeadm => facts.kubeadm = Some(pin.version.kube),
                        _ => facts.kubectl = Some(pin.version.kube),
                    }
                }
            }
            HostOp::KubeadmApply { to, .. } => {
                facts.manifests.iter_mut().for_each(|m| m.version = Some(*to));
                self.config =
                    self.config.replace("v1.31.14", &to.to_string()).replace("v1.31.9", &to.to_string());
            }
            HostOp::KubeadmNode { .. } => {
                facts.manifests.iter_mut().for_each(|m| m.version = "v1.32.9".parse().ok());
            }
            HostOp::KubeadmAddons { to, .. } => self.kube_proxy = Some(*to),
            HostOp::KubeletRestart { .. } => self.views.get_mut(node).unwrap().kubelet = facts.kubelet,
            HostOp::EtcdSnapshot { run } => {
                self.snapshot = Some(self.files.snapshot(node, run));
            }
            HostOp::EtcdMoveLeader => self.leader = (self.leader + 1) % 3,
            HostOp::ManifestBackup { .. } => {
                let files = Component::ALL.iter().map(|c| (c.file(), Digest::of(c.name())));
                self.backups.insert(node.clone(), files.collect());
            }
            HostOp::GuardArm { run, .. } => facts.guard = GuardState::Armed { run: run.clone() },
            HostOp::GuardDisarm { .. } => facts.guard = GuardState::Steady,
            _ => {}
        }
    }
}

fn offers(to: KubeVersion) -> Vec<PackageOffer> {
    let version: PackageVersion = format!("{}-1.1", to.to_string().trim_start_matches('v')).parse().unwrap();
    let repository = "https://pkgs.k8s.io/core:/stable:/v1.32/deb".to_string();
    let offer = |package| PackageOffer { package, version: version.clone(), repository: repository.clone() };
    [Package::Kubeadm, Package::Kubelet, Package::Kubectl].into_iter().map(offer).collect()
}
