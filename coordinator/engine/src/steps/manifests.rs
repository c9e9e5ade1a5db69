//! What kubeadm has written: manifests on a node's disk and the version in kubeadm-config. Judged by that, never by kubeadm's exit code.

use super::reply::{all, config, done, facts, output};
use super::{Assess, Cx, Policy};
use crate::doors::{ClusterLook, Probe, Reply};
use crate::kubeadm_config::ClusterConfiguration;
use podlift_model::heal::{HealFinding, HealKind};
use podlift_model::op::{Component, SkipPhase};
use podlift_model::{KubeVersion, Look, NodeFacts, OpOutput};

/// Steps of their own in podlift: addons roll over the whole fleet, and the kubelet's configuration goes with the kubelet.
pub const SKIP: [SkipPhase; 2] = [SkipPhase::Addon, SkipPhase::KubeletConfig];

pub fn looks(cx: &Cx) -> Probe {
    let config = Probe::Cluster(ClusterLook::KubeadmConfig);
    Probe::All(vec![cx.look(Look::Facts), cx.look(Look::Manifests), config])
}

/// What is wrong with the manifests on disk.
pub enum Fault {
    /// kubeadm has still to write.
    Behind(String),
    /// Written, and it can't start.
    Broken(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Fault::Behind(why) | Fault::Broken(why)) = self;
        f.write_str(why)
    }
}

pub struct Seen<'a> {
    pub facts: &'a NodeFacts,
    pub manifests: Result<(), Fault>,
    pub config_at_target: bool,
}

impl Seen<'_> {
    /// One that is missing makes kubeadm take the node for a worker.
    pub fn is_whole(&self) -> bool {
        self.facts.manifests.len() >= Component::ALL.len()
    }
}

pub fn seen<'a>(reply: &'a Reply, to: KubeVersion) -> Option<Seen<'a>> {
    let [f, m, c] = all(reply) else { return None };
    let (facts, Some(OpOutput::Manifests(findings)), config) = (facts(f)?, output(m), config(c)?) else {
        return None;
    };
    let parsed = ClusterConfiguration::parse(&config.cluster_configuration).ok();
    let config_at_target = parsed.and_then(|p| p.kubernetes_version()) == Some(to);
    Some(Seen { facts, manifests: manifests(to, facts, findings), config_at_target })
}

/// Manifests of the target, none of which provably can't start.
fn manifests(to: KubeVersion, facts: &NodeFacts, findings: &[HealFinding]) -> Result<(), Fault> {
    let at = |c: &&Component| facts.manifests.iter().any(|m| m.component == **c && m.version == Some(to));
    if let Some(behind) = Component::ALL.iter().find(|c| !at(c)) {
        return Err(Fault::Behind(format!("{behind} is not at {to}")));
    }
    // With healing on, the guard repairs these at once; with it off only another kubeadm run can.
    match findings.iter().find(|f| f.kind == HealKind::Rescue) {
        Some(broken) => Err(Fault::Broken(broken.what.clone())),
        None => Ok(()),
    }
}

/// kubeadm has written what it was to write. Whether that serves is the next step's question, which asks the server itself.
pub fn written(why: &str) -> Assess {
    done(format!("written by kubeadm, and not fit to start: {why}"))
}

/// A node that went down between kubeadm's two renames gets its file back from the heal.
pub fn missing(cx: &Cx) -> Assess {
    Assess::Wait(format!(
        "control-plane node {} lacks one of its three manifests; see podlift heal status on it",
        cx.node()
    ))
}

/// kubeadm undoes what it began when it fails; what it leaves is looked at before anything else, and a second run is the operator's word.
pub fn policy(cx: &Cx) -> Policy {
    Policy { retries: 0, ..cx.policy() }
}
