//! The backup: taken, verified by its own content, sealed before the first mutation, never made anew under the same name.

use super::types::{Assess, Cx, Evidence, Policy, Step, blocked, done, many, odd, output};
use crate::request::{Reply, Request};
use podlift_model::facts::BackupState;
use podlift_model::op::{Component, Look};
use podlift_model::{Digest, HostOp, OpOutput};

pub struct EtcdSnapshot;
pub struct ManifestBackup;
pub struct SealBackup;

fn look(cx: &Cx) -> Request {
    cx.look(Look::Backup { run: cx.state.run.clone() })
}

fn backup(reply: &Reply) -> Option<&BackupState> {
    match output(reply)? {
        OpOutput::Backup(state) => Some(state),
        _ => None,
    }
}

fn has_manifests(state: &BackupState) -> bool {
    Component::ALL.iter().all(|c| state.files.contains_key(&c.file()))
}

impl Step for EtcdSnapshot {
    fn probe(&self, cx: &Cx) -> Request {
        look(cx)
    }
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(state) = backup(reply) else { return odd(reply) };
        match &state.snapshot {
            Some(s) if s.verified => {
                done(format!("revision {}, {} bytes, sha256 {}", s.revision, s.bytes, s.sha256.short()))
            }
            Some(_) => blocked(
                "snapshot-damaged",
                format!(
                    "the etcd snapshot on {} does not have the hash that it ends with: another run makes another",
                    cx.node()
                ),
                "podlift abort",
            ),
            None => Assess::Ready,
        }
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Request> {
        cx.host(HostOp::EtcdSnapshot { run: cx.state.run.clone() })
    }
}

impl Step for ManifestBackup {
    fn probe(&self, cx: &Cx) -> Request {
        look(cx)
    }
    fn assess(&self, _cx: &Cx, reply: &Reply) -> Assess {
        match backup(reply) {
            Some(state) if has_manifests(state) => done(format!("{} files", state.files.len())),
            Some(_) => Assess::Ready,
            None => odd(reply),
        }
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Request> {
        cx.host(HostOp::ManifestBackup { run: cx.state.run.clone() })
    }
}

impl Step for SealBackup {
    fn probe(&self, cx: &Cx) -> Request {
        let look = Look::Backup { run: cx.state.run.clone() };
        let servers = cx
            .plan()
            .phases
            .iter()
            .filter(|p| p.name == "backup")
            .flat_map(|p| &p.lanes)
            .filter_map(|l| l.node.clone());
        let nodes: std::collections::BTreeSet<_> = servers.collect();
        let op = HostOp::Observe { look };
        Request::Many(nodes.into_iter().map(|node| Request::Host { node, op: op.clone() }).collect())
    }
    fn assess(&self, _cx: &Cx, reply: &Reply) -> Assess {
        let states: Option<Vec<&BackupState>> = many(reply).iter().map(backup).collect();
        let Some(states) = states else { return odd(reply) };
        let next = "podlift retry";
        if let Some(i) = states.iter().position(|s| !has_manifests(s)) {
            return blocked(
                "backup-incomplete",
                format!("backup {} of {} lacks a manifest", i + 1, states.len()),
                next,
            );
        }
        let Some(snapshot) = states.iter().find_map(|s| s.snapshot.as_ref()).filter(|s| s.verified) else {
            return blocked("backup-incomplete", "no verified etcd snapshot", next);
        };
        let all: Vec<_> = states.iter().map(|s| (&s.files, &s.snapshot)).collect();
        let hash = Digest::of(serde_json::to_vec(&all).unwrap_or_default());
        let what = format!(
            "{} nodes' manifests, etcd revision {}, seal {}",
            states.len(),
            snapshot.revision,
            hash.short()
        );
        Assess::Done(Evidence::BackupSealed { hash, revision: snapshot.revision, what })
    }
    fn act(&self, _cx: &Cx, _reply: &Reply) -> Option<Request> {
        None
    }
    fn policy(&self, cx: &Cx) -> Policy {
        cx.policy()
    }
}
