//! `kubeadm upgrade apply` on the first control-plane node, `kubeadm upgrade node` on the others and on workers. Judged by what is on
//! disk and in the cluster, never by kubeadm's exit code.

use super::repair_config::config;
use super::types::{Assess, Cx, Policy, Step, done, facts, many, odd, output};
use crate::doors::{Act, ClusterLook, Probe, Reply};
use crate::inventory::NodeRole;
use crate::kubeadm_config::ClusterConfiguration;
use crate::plan::checks::FLAG_LOSS;
use podlift_model::heal::{HealFinding, HealKind};
use podlift_model::op::{Component, SkipPhase};
use podlift_model::{HostOp, Look, NodeFacts, OpOutput};

pub struct Apply;
pub struct Node;

/// Steps of their own in podlift: addons roll over the whole fleet, and the kubelet's configuration goes with the kubelet.
const SKIP: [SkipPhase; 2] = [SkipPhase::Addon, SkipPhase::KubeletConfig];

fn looks(cx: &Cx) -> Probe {
    Probe::All(vec![
        cx.look(Look::Facts),
        cx.look(Look::Manifests),
        Probe::Cluster(ClusterLook::KubeadmConfig),
    ])
}

/// What is wrong with the manifests on disk.
enum Fault {
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

/// kubeadm has written what it was told to. Whether that serves is the next step's question, which asks the server itself.
fn written(why: &str) -> Assess {
    done(format!("written by kubeadm, and not fit to start: {why}"))
}

/// Manifests of the target, none of which provably can't start.
fn manifests(cx: &Cx, facts: &NodeFacts, findings: &[HealFinding]) -> Result<(), Fault> {
    let to = cx.plan().to;
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

struct Seen<'a> {
    facts: &'a NodeFacts,
    manifests: Result<(), Fault>,
    config_at_target: bool,
}

fn seen<'a>(cx: &Cx, reply: &'a Reply) -> Option<Seen<'a>> {
    let [f, m, c] = many(reply) else { return None };
    let (facts, Some(OpOutput::Manifests(findings)), config) = (facts(f)?, output(m), config(c)?) else {
        return None;
    };
    let parsed = ClusterConfiguration::parse(&config.cluster_configuration).ok();
    let config_at_target = parsed.and_then(|p| p.kubernetes_version()) == Some(cx.plan().to);
    Some(Seen { facts, manifests: manifests(cx, facts, findings), config_at_target })
}

impl Step for Apply {
    fn probe(&self, cx: &Cx) -> Probe {
        looks(cx)
    }
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(seen) = seen(cx, reply) else { return odd(reply) };
        if seen.facts.manifests.len() < Component::ALL.len() {
            return missing(cx);
        }
        match (&seen.manifests, seen.config_at_target) {
            (Ok(()), true) => done(format!("three manifests and kubeadm-config at {}", cx.plan().to)),
            (Err(Fault::Broken(why)), true) if cx.acted => written(why),
            (Err(fault), _) if cx.acted => Assess::Wait(fault.to_string()),
            _ => Assess::Ready,
        }
    }
    fn act(&self, cx: &Cx, reply: &Reply) -> Option<Act> {
        let (to, ignore) = (cx.plan().to, cx.plan().ignore.clone());
        cx.host(HostOp::KubeadmApply { ignore, to, skip: skip(cx, reply) })
    }
    fn policy(&self, cx: &Cx) -> Policy {
        policy(cx)
    }
}

impl Step for Node {
    fn probe(&self, cx: &Cx) -> Probe {
        if cx.role() == NodeRole::Worker { cx.look(Look::Facts) } else { looks(cx) }
    }
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        if cx.role() == NodeRole::Worker {
            // On a worker it rewrites the kubelet's configuration and nothing else: repeating it harms nothing.
            return if cx.acted { done("kubelet configuration written") } else { Assess::Ready };
        }
        let Some(seen) = seen(cx, reply) else { return odd(reply) };
        if seen.facts.manifests.len() < Component::ALL.len() {
            return missing(cx);
        }
        match &seen.manifests {
            Ok(()) => done(format!("three manifests at {}", cx.plan().to)),
            Err(_) if !seen.config_at_target => Assess::Wait(format!(
                "kubeadm-config is not at {} yet: kubeadm upgrade node takes its target from there",
                cx.plan().to
            )),
            Err(Fault::Broken(why)) if cx.acted => written(why),
            Err(fault) if cx.acted => Assess::Wait(fault.to_string()),
            Err(_) => Assess::Ready,
        }
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let skip = if cx.role() == NodeRole::Worker { vec![] } else { usual(cx) };
        cx.host(HostOp::KubeadmNode { skip })
    }
    fn policy(&self, cx: &Cx) -> Policy {
        policy(cx)
    }
}

/// kubeadm 1.31 has no `--skip-phases` of apply, and its `upgrade node` brings addons within its control-plane phase.
fn usual(cx: &Cx) -> Vec<SkipPhase> {
    if cx.plan().has_phases() { SKIP.to_vec() } else { vec![] }
}

/// Where the ConfigMap was left broken by a waiver and the manifests are healed, another full apply would write the broken one again,
/// heal to an identical pod and wait five minutes for a hash that never changes: then only the phases that remain are run.
fn skip(cx: &Cx, reply: &Reply) -> Vec<SkipPhase> {
    let healed = seen(cx, reply).is_some_and(|s| s.manifests.is_ok());
    match cx.state.waived(FLAG_LOSS) {
        Some(_) if healed && cx.plan().has_phases() => {
            [SkipPhase::ControlPlane].into_iter().chain(SKIP).collect()
        }
        _ => usual(cx),
    }
}

/// kubeadm would take the node for a worker. A node that went down between kubeadm's two renames gets its file back from the heal.
fn missing(cx: &Cx) -> Assess {
    Assess::Wait(format!(
        "control-plane node {} lacks one of its three manifests; see podlift heal status on it",
        cx.node()
    ))
}

/// kubeadm undoes what it began when it fails; what it leaves is looked at before anything else, and a second run is the operator's word.
fn policy(cx: &Cx) -> Policy {
    Policy { retries: 0, ..cx.policy() }
}
