//! What the agents' own stores hold of a run's backup.

use super::Cx;
use super::reply::output;
use crate::doors::{Probe, Reply};
use podlift_model::facts::BackupState;
use podlift_model::op::Component;
use podlift_model::{Look, NodeName, OpOutput};
use std::collections::BTreeSet;

pub fn look(cx: &Cx) -> Probe {
    cx.look(Look::Backup { run: cx.state.run.clone() })
}

pub fn backup(reply: &Reply) -> Option<&BackupState> {
    match output(reply)? {
        OpOutput::Backup(state) => Some(state),
        _ => None,
    }
}

pub fn has_manifests(state: &BackupState) -> bool {
    Component::ALL.iter().all(|c| state.files.contains_key(&c.file()))
}

/// The first store of single resources (`--etcd-servers-overrides`, `/events#https://…`) of which no node has a verified snapshot.
pub fn lacking(cx: &Cx, states: &[&BackupState]) -> Option<String> {
    let facts = cx.program().inventory.control_planes().filter_map(|n| n.facts.as_ref());
    let servers = facts.flat_map(|f| &f.manifests).filter(|m| m.component == Component::KubeApiserver);
    let items = servers.flat_map(|m| m.flags.items("etcd-servers-overrides"));
    let mut names = items.filter_map(|item| Some(item.split_once('#')?.0.to_string()));
    names.find(|name| !states.iter().any(|s| s.overrides.get(name).is_some_and(|s| s.verified)))
}

/// All control-plane nodes, whichever nodes this run upgrades, without those that are lost.
pub fn servers(cx: &Cx) -> BTreeSet<NodeName> {
    let phases = cx.program().phases.iter().filter(|p| p.name == "backup");
    phases
        .flat_map(|p| &p.lanes)
        .filter_map(|l| l.node.clone())
        .filter(|n| !cx.state.lost.contains_key(n))
        .collect()
}
