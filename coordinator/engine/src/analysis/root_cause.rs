//! Finds the cause of a failing upgrade beforehand: what kubeadm-config makes kubeadm write is compared, as flag sets, with what runs on
//! each control-plane node. A loss is repaired in the ConfigMap, because every node's kubeadm reads only that.

use super::endpoints;
use crate::inventory::{Inventory, NodeEntry};
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair, Renderer};
use crate::program::{Part, Prevention};
use podlift_model::facts::ManifestFacts;
use podlift_model::op::Component;
use podlift_model::{FlagSet, KubeVersion, NodeName, gates};
use std::collections::BTreeSet;

/// What the comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RootCause {
    pub prevented: Vec<Prevention>,
    /// What can't be repaired without an operator, and why.
    pub unrepairable: Vec<Unrepairable>,
    /// What would start the API servers on an empty or another store. No waiver sets this aside.
    pub store: Vec<String>,
}

/// A setting that would be lost and that podlift can't put where kubeadm reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrepairable {
    /// The nodes that would lose it.
    pub nodes: Vec<NodeName>,
    /// Its name, as in `Loss`; empty if not even the name can be known.
    pub name: String,
    /// What would be lost, and what to do.
    pub what: String,
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
    etcd_servers(config, inventory, to, &mut found);
    for component in Component::ALL {
        let rendered = config.rendered(*component, Renderer::of(to));
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

fn etcd_servers(
    config: &ClusterConfiguration,
    inventory: &Inventory,
    to: KubeVersion,
    found: &mut RootCause,
) {
    let stacked = config.is_stacked();
    let live: Vec<(&NodeEntry, String)> = inventory
        .control_planes()
        .filter_map(|n| Some((n, api_server_flags(n)?.joined("etcd-servers").unwrap_or_default())))
        .collect();
    let rendered = |n: &NodeEntry| {
        let flags = config.rendered(Component::KubeApiserver, endpoints::renderer(to, n));
        flags.joined("etcd-servers").unwrap_or_default()
    };
    let differing: Vec<&(&NodeEntry, String)> =
        live.iter().filter(|(n, servers)| !endpoints::same(servers, &rendered(n), stacked, n)).collect();
    let Some((first, _)) = differing.first() else { return };
    let wanted = endpoints::members(&rendered(first));
    let unrepairable = |what: String| Unrepairable {
        nodes: differing.iter().map(|(n, _)| n.name.clone()).collect(),
        name: "etcd-servers".into(),
        what,
    };
    let distinct: BTreeSet<_> = live.iter().map(|(_, s)| endpoints::members(s)).collect();
    let shown = || {
        let each = live.iter().map(|(n, s)| format!("{}: {}", n.name, join(&endpoints::members(s))));
        each.collect::<Vec<_>>().join("; ")
    };
    if stacked {
        // No field of etcd.local would render these endpoints, and a stacked member can't be an external endpoint for other nodes.
        found.unrepairable.push(unrepairable(format!(
            "API servers use --etcd-servers ({}), and kubeadm-config has a stacked etcd, for which kubeadm renders {}: where etcd is external, put etcd.external into kubeadm-config; otherwise put etcd-servers into apiServer.extraArgs",
            shown(),
            join(&wanted)
        )));
        return;
    }
    if distinct.len() != 1 || distinct.iter().any(BTreeSet::is_empty) {
        found.unrepairable.push(unrepairable(format!(
            "control-plane nodes disagree on --etcd-servers ({}); kubeadm-config renders {:?}",
            shown(),
            join(&wanted)
        )));
        return;
    }
    let endpoints = in_manifest_order(inventory);
    let nodes: Vec<&str> = differing.iter().map(|(n, _)| n.name.as_str()).collect();
    let verb = if wanted.is_empty() { "empty".into() } else { format!("change to {}", join(&wanted)) };
    found.prevented.push(Prevention {
        id: "etcd-servers-lost".into(),
        component: Part::KubeApiserver,
        what: format!(
            "kubeadm would {verb} --etcd-servers on {} (now {}); kube-apiserver would not start",
            nodes.join(", "),
            podlift_model::count(endpoints.len(), "endpoint")
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

/// Flags of a component's manifest on a node; `None` if the manifest can't be read or a shell hides the flags.
pub(crate) fn live_flags(node: &NodeEntry, component: Component) -> Option<&FlagSet> {
    let manifests = &node.facts.as_ref()?.manifests;
    let known = |m: &&ManifestFacts| m.component == component && m.unreadable.is_none() && m.opaque.is_none();
    manifests.iter().find(known).map(|m| &m.flags)
}
