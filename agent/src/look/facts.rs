//! The node's present facts. Versions of binaries cost processes, so they are kept until something may have changed them.

use super::address;
use crate::aside;
use crate::node::Node;
use podlift_heal::manifest::Manifest;
use podlift_heal::rules::Seen;
use podlift_model::facts::{ManifestFacts, PackageState, StepAside};
use podlift_model::op::{Component, Package};
use podlift_model::{Digest, FlagSet, KubeVersion, NodeFacts};
use podlift_tools::sources;
use podlift_tools::{dpkg_query, versions};
use std::collections::BTreeMap;
use std::path::Path;

/// The facts that cost processes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Installed {
    packages: BTreeMap<String, PackageState>,
    kubeadm: Option<KubeVersion>,
    kubelet: Option<KubeVersion>,
    kubectl: Option<KubeVersion>,
    aside: StepAside,
}

pub async fn collect(node: &Node) -> NodeFacts {
    let installed = installed(node).await;
    let facts = assemble(node, &installed);
    NodeFacts { clock: Some(node.host.clock.now()), ..facts }
}

pub async fn installed(node: &Node) -> Installed {
    if node.config.is_head() {
        return Installed::default();
    }
    let host = &node.host;
    let known = dpkg_query::known(host).await.unwrap_or_default();
    let state = |p: &Package| {
        let state = known.get(p)?.clone();
        (state.version.is_some() || state.held).then(|| (p.name().to_string(), state))
    };
    Installed {
        packages: Package::ALL.iter().filter_map(state).collect(),
        kubeadm: versions::kubeadm(host).await,
        kubelet: versions::kubelet(host).await,
        kubectl: versions::kubectl(host).await,
        aside: aside::state(node).await,
    }
}

/// Assembles the facts from files alone.
pub fn assemble(node: &Node, installed: &Installed) -> NodeFacts {
    let Installed { packages, kubeadm, kubelet, kubectl, aside } = installed.clone();
    let manifests: Vec<(ManifestFacts, Option<Manifest>)> =
        Component::ALL.iter().filter_map(|c| manifest(node, *c)).collect();
    let api =
        manifests.iter().filter_map(|(_, m)| m.as_ref()).find(|m| m.component == Component::KubeApiserver);
    NodeFacts {
        certificate_renewal: node.config.ops.certificate_renewal,
        machine: Some(node.machine.clone()),
        recipients: node.config.backup.recipients.iter().map(ToString::to_string).collect(),
        node: node.config.node.clone(),
        boot: node.boot.clone(),
        ledger: node.ledger.id(),
        agent_version: env!("CARGO_PKG_VERSION").into(),
        packages,
        kubeadm,
        kubelet,
        kubectl,
        apt_minor: apt_minor(node),
        advertise: api.and_then(|m| address::api_server(m).ok()),
        etcd_endpoints: api.map(|m| m.flags().items("etcd-servers")).unwrap_or_default(),
        manifests: manifests.into_iter().map(|(facts, _)| facts).collect(),
        guard: node.heal.guard(),
        expectations: node.heal.expectation_facts(),
        heal: Some(Box::new(node.heal.facts())),
        step_aside: Some(aside.now(node.host.clock.now())),
        patches: crate::ops::kubeadm_patches::present(node),
        running: node.running_ops(),
        free_bytes: free_mebibytes(node),
        clock: None,
    }
}

/// host:port of this node's own API server; `None` on a worker.
pub fn advertise(node: &Node) -> Option<String> {
    address::api_server(manifest(node, Component::KubeApiserver)?.1.as_ref()?).ok()
}

fn apt_minor(node: &Node) -> Option<podlift_model::Minor> {
    sources::find(node.host.files.as_ref()).ok()?.minor()
}

/// Rounded to 64 MiB, because otherwise every log line would change the facts.
fn free_mebibytes(node: &Node) -> u64 {
    const STEP: u64 = 64 << 20;
    node.host.files.free_bytes(Path::new("/var")).unwrap_or(0) / STEP * STEP
}

/// `None` if the file does not exist. Uses the heal's last read, unless the file has changed since.
fn manifest(node: &Node, component: Component) -> Option<(ManifestFacts, Option<Manifest>)> {
    let unknown = |why: String, sha256| ManifestFacts {
        opaque: None,
        component,
        sha256,
        image: String::new(),
        version: None,
        flags: FlagSet::default(),
        unreadable: Some(why),
    };
    let look = match node.heal.seen(component) {
        Ok(look) => look,
        Err(e) => return Some((unknown(e.to_string(), Digest::of("")), None)),
    };
    match &look.seen {
        Seen::Missing => None,
        Seen::Unreadable(why) | Seen::Strange { what: why, .. } => {
            Some((unknown(why.clone(), look.hash.clone()), None))
        }
        Seen::Manifest(m) => {
            let facts = ManifestFacts {
                opaque: m.opaque(),
                component,
                sha256: look.hash.clone(),
                image: m.image.clone(),
                version: m.version,
                flags: if m.opaque().is_some() { FlagSet::default() } else { m.flags() },
                unreadable: None,
            };
            Some((facts, Some(m.clone())))
        }
    }
}
