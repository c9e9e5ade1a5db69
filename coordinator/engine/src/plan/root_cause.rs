//! Why the night goes wrong, seen the evening before: what kubeadm-config makes kubeadm write, compared as flag sets with what runs on
//! each control-plane node. Loss is repaired in the ConfigMap, because every node's kubeadm reads only that.

use crate::inventory::{Inventory, NodeEntry};
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair};
use podlift_model::op::Component;
use podlift_model::{FlagSet, KubeVersion, gates};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One thing that will be kept from going wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Prevention {
    /// `etcd-servers-lost`, `gate-fatal`, `site-gate`, `flag-lost`, `env-lost`, `kubelet-setting-lost`.
    pub id: String,
    pub component: Part,
    pub what: String,
    pub repair: ConfigRepair,
    /// True where a rule of this site asks for it, not a fact of Kubernetes.
    pub site_rule: bool,
}

/// What of Kubernetes it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    KubeApiserver,
    KubeControllerManager,
    KubeScheduler,
    Kubelet,
}

impl From<Component> for Part {
    fn from(component: Component) -> Self {
        match component {
            Component::KubeApiserver => Part::KubeApiserver,
            Component::KubeControllerManager => Part::KubeControllerManager,
            Component::KubeScheduler => Part::KubeScheduler,
        }
    }
}

/// What the comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RootCause {
    pub prevented: Vec<Prevention>,
    /// What cannot be repaired without a person, and why.
    pub unrepairable: Vec<String>,
}

impl RootCause {
    pub fn repairs(&self) -> Vec<ConfigRepair> {
        self.prevented.iter().map(|p| p.repair.clone()).collect()
    }
}

/// Compares what `config` renders with what every control-plane node of `inventory` runs.
pub fn analyse(
    config: &ClusterConfiguration,
    inventory: &Inventory,
    to: KubeVersion,
    site_gates: &[String],
) -> RootCause {
    let mut found = RootCause::default();
    etcd_servers(config, inventory, &mut found);
    for component in Component::ALL {
        let rendered = config.rendered(*component);
        for (gate, value) in rendered.gates() {
            found.prevented.extend(gate_problem(*component, &gate, value, to, site_gates));
        }
    }
    found
}

fn gate_problem(
    component: Component,
    gate: &str,
    value: bool,
    to: KubeVersion,
    site: &[String],
) -> Option<Prevention> {
    let repair = ConfigRepair::RemoveGate { component, gate: gate.into() };
    let fatal = gates::fatal_text(gate, value, to.minor());
    let (id, what, site_rule) = match fatal {
        Some(text) => ("gate-fatal", format!("{component} would die on {to}: {text}"), false),
        None if site.iter().any(|s| s == gate) => {
            let what = format!(
                "{component}: gate {gate}={value} goes by this site's rule (Kubernetes {} still knows it)",
                to.minor()
            );
            ("site-gate", what, true)
        }
        None => return None,
    };
    Some(Prevention { id: id.into(), component: component.into(), what, repair, site_rule })
}

fn etcd_servers(config: &ClusterConfiguration, inventory: &Inventory, found: &mut RootCause) {
    let rendered = config.rendered(Component::KubeApiserver);
    let wanted: BTreeSet<String> = rendered.items("etcd-servers").into_iter().collect();
    let live: Vec<(String, BTreeSet<String>)> = inventory
        .control_planes()
        .filter_map(|n| {
            Some((n.name.to_string(), api_server_flags(n)?.items("etcd-servers").into_iter().collect()))
        })
        .collect();
    let differing: Vec<&(String, BTreeSet<String>)> =
        live.iter().filter(|(_, servers)| *servers != wanted).collect();
    if differing.is_empty() {
        return;
    }
    let distinct: BTreeSet<&BTreeSet<String>> = live.iter().map(|(_, s)| s).collect();
    if distinct.len() != 1 || live[0].1.is_empty() {
        let shown: Vec<String> = live.iter().map(|(n, s)| format!("{n}: {}", join(s))).collect();
        found.unrepairable.push(format!(
            "control-plane nodes disagree on --etcd-servers ({}); kubeadm-config renders {:?}",
            shown.join("; "),
            join(&wanted)
        ));
        return;
    }
    let endpoints = in_manifest_order(inventory);
    let nodes: Vec<&str> = differing.iter().map(|(n, _)| n.as_str()).collect();
    let verb = if wanted.is_empty() { "empty".into() } else { format!("change to {}", join(&wanted)) };
    found.prevented.push(Prevention {
        id: "etcd-servers-lost".into(),
        component: Part::KubeApiserver,
        what: format!(
            "kubeadm would {verb} --etcd-servers on {} (now {} endpoints); kube-apiserver would not start",
            nodes.join(", "),
            endpoints.len()
        ),
        repair: ConfigRepair::SetEtcdEndpoints { endpoints },
        site_rule: false,
    });
}

fn join(set: &BTreeSet<String>) -> String {
    set.iter().cloned().collect::<Vec<_>>().join(",")
}

fn in_manifest_order(inventory: &Inventory) -> Vec<String> {
    inventory.control_planes().find_map(api_server_flags).map(|f| f.items("etcd-servers")).unwrap_or_default()
}

fn api_server_flags(node: &NodeEntry) -> Option<&FlagSet> {
    live_flags(node, Component::KubeApiserver)
}

/// Flags of a component's manifest on a node; None where it can't be read.
pub(super) fn live_flags(node: &NodeEntry, component: Component) -> Option<&FlagSet> {
    let manifests = &node.facts.as_ref()?.manifests;
    manifests.iter().find(|m| m.component == component && m.unreadable.is_none()).map(|m| &m.flags)
}
