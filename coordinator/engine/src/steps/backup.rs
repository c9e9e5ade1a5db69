//! The backup: taken, verified by its own content, sealed before the first mutation, never made anew under the same name.

use super::types::{Assess, Cx, Evidence, Step, blocked, done, many, odd, output};
use crate::doors::{Act, BackupView, Probe, Reply, VaultAct, VaultLook};
use podlift_model::facts::BackupState;
use podlift_model::op::Component;
use podlift_model::{HostOp, Look, NodeName, OpOutput};
use std::collections::BTreeSet;

pub struct EtcdSnapshot;
pub struct ManifestBackup;
pub struct SealBackup;

fn look(cx: &Cx) -> Probe {
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
    fn probe(&self, cx: &Cx) -> Probe {
        look(cx)
    }
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(state) = backup(reply) else { return odd(reply) };
        match &state.snapshot {
            Some(_) if state.overrides.values().any(|s| !s.verified) => blocked(
                "snapshot-damaged",
                format!(
                    "a snapshot of a store of single resources on {} does not have the hash that it ends with: another run makes another",
                    cx.node()
                ),
                "podlift abort",
            ),
            Some(_) if !cx.acted && lacking(cx, &[state]).is_some() => Assess::Ready,
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
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::EtcdSnapshot { run: cx.state.run.clone() })
    }
}

impl Step for ManifestBackup {
    fn probe(&self, cx: &Cx) -> Probe {
        look(cx)
    }
    fn assess(&self, _cx: &Cx, reply: &Reply) -> Assess {
        match backup(reply) {
            Some(state) if has_manifests(state) => done(format!("{} files", state.files.len())),
            Some(_) => Assess::Ready,
            None => odd(reply),
        }
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::ManifestBackup { run: cx.state.run.clone() })
    }
}

impl Step for SealBackup {
    /// What the control plane's own stores hold, and the set off the nodes.
    fn probe(&self, cx: &Cx) -> Probe {
        let look = Look::Backup { run: cx.state.run.clone() };
        let stores = servers(cx).into_iter().map(|node| Probe::Node(node, look.clone()));
        let set = Probe::Vault(VaultLook::Backup { run: cx.state.run.clone() });
        Probe::All(std::iter::once(set).chain(stores).collect())
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [set, stores @ ..] = many(reply) else { return odd(reply) };
        let Reply::Vault(set) = set else { return odd(reply) };
        let states: Option<Vec<&BackupState>> = stores.iter().map(backup).collect();
        let Some(states) = states else { return odd(reply) };
        if let Some(i) = states.iter().position(|s| !has_manifests(s)) {
            return incomplete(format!("backup {} of {} lacks a manifest", i + 1, states.len()));
        }
        let Some(snapshot) = states.iter().find_map(|s| s.snapshot.as_ref()).filter(|s| s.verified) else {
            return incomplete("no verified etcd snapshot".into());
        };
        if let Some(store) = lacking(cx, &states) {
            return incomplete(format!("no verified etcd snapshot of the store of {store}"));
        }
        match set {
            None => Assess::Ready,
            Some(set) => Assess::Done(sealed(set, snapshot.revision)),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let mut nodes = servers(cx);
        let here = |n: &NodeName| cx.plan().chosen(n) && !cx.state.deferred.contains_key(n);
        nodes.extend(cx.plan().inventory.nodes.iter().map(|n| n.name.clone()).filter(here));
        let (run, nodes) = (cx.state.run.clone(), nodes.into_iter().collect());
        Some(Act::Vault(VaultAct::Collect { run, nodes }))
    }
}

/// A store of single resources (`--etcd-servers-overrides`, `/events#https://…`) that no node has a verified snapshot of.
fn lacking(cx: &Cx, states: &[&BackupState]) -> Option<String> {
    let facts = cx.plan().inventory.control_planes().filter_map(|n| n.facts.as_ref());
    let servers = facts.flat_map(|f| &f.manifests).filter(|m| m.component == Component::KubeApiserver);
    let items = servers.flat_map(|m| m.flags.items("etcd-servers-overrides"));
    let mut names = items.filter_map(|item| Some(item.split_once('#')?.0.to_string()));
    names.find(|name| !states.iter().any(|s| s.overrides.get(name).is_some_and(|s| s.verified)))
}

fn incomplete(why: String) -> Assess {
    blocked("backup-incomplete", why, "podlift retry")
}

/// Every control-plane node, whatever this run upgrades.
fn servers(cx: &Cx) -> BTreeSet<NodeName> {
    let phases = cx.plan().phases.iter().filter(|p| p.name == "backup");
    phases.flat_map(|p| &p.lanes).filter_map(|l| l.node.clone()).collect()
}

fn sealed(set: &BackupView, revision: u64) -> Evidence {
    let secrets = if set.encrypted { "secrets encrypted" } else { "secrets left out" };
    let warned =
        if set.warnings.is_empty() { String::new() } else { format!("; {}", set.warnings.join("; ")) };
    let what = format!(
        "set {}: {} files, {} bytes, etcd revision {revision}, {secrets}, seal {}{warned}",
        set.set,
        set.members,
        set.bytes,
        set.sha256.short()
    );
    Evidence::BackupSealed { hash: set.sha256.clone(), revision, what, backup: Some(Box::new(set.clone())) }
}
