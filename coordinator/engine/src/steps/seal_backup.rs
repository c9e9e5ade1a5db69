//! Collects the backup off the nodes, and seals it before the first mutation. A sealed set is never made again under the same name.

use super::reply::{all, blocked, odd};
use super::stores::{backup, has_manifests, lacking, servers};
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, BackupView, Probe, Reply, VaultAct, VaultLook};
use crate::inventory::{NodeEntry, NodeRole};
use crate::program::Evidence;
use podlift_model::Look;
use podlift_model::facts::BackupState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SealBackup {}

impl Step for SealBackup {
    fn verb(&self) -> String {
        "seal-backup".into()
    }
    fn touches(&self) -> Touches {
        Touches::Backup
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("backup-sealed")
    }
    fn seals(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    /// Looks at the control plane's own stores, and at the set off the nodes.
    fn probe(&self, cx: &Cx) -> Probe {
        let look = Look::Backup { run: cx.state.run.clone() };
        let stores = servers(cx).into_iter().map(|node| Probe::Node(node, look.clone()));
        let set = Probe::Vault(VaultLook::Backup { run: cx.state.run.clone() });
        Probe::All(std::iter::once(set).chain(stores).collect())
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [set, stores @ ..] = all(reply) else { return odd(reply) };
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
        // A worker that had no agent when the plan was made is deferred before it is staged.
        let here = |n: &&NodeEntry| {
            cx.program().chosen(&n.name) && !cx.state.goes_without(&n.name) && n.facts.is_some()
        };
        nodes.extend(cx.program().inventory.nodes.iter().filter(here).map(|n| n.name.clone()));
        let (run, nodes) = (cx.state.run.clone(), nodes.into_iter().collect());
        Some(Act::Vault(VaultAct::Collect { run, nodes }))
    }
}

fn incomplete(why: String) -> Assess {
    blocked("backup-incomplete", why, "podlift retry")
}

fn sealed(set: &BackupView, revision: u64) -> Evidence {
    let secrets = if set.encrypted { "secrets encrypted" } else { "secrets left out" };
    let warned =
        if set.warnings.is_empty() { String::new() } else { format!("; {}", set.warnings.join("; ")) };
    let what = format!(
        "set {}: {}, {} bytes, etcd revision {revision}, {secrets}, seal {}{warned}",
        set.set,
        podlift_model::count(set.members, "file"),
        set.bytes,
        set.sha256.short()
    );
    Evidence::BackupSealed { hash: set.sha256.clone(), revision, what, backup: Some(Box::new(set.clone())) }
}
