//! At the end, each node on its own: Ready at the target, with packages of it that are held, and without this run's cordon. The nodes are verified side by side as they come,
//! because in a large fleet there is no moment at which all are Ready.

use super::cordon::ours;
use super::reply::{all, blocked, done, facts, node, odd};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::doors::{ClusterLook, Probe, Reply};
use crate::program::{Given, Shared};
use podlift_model::op::Package;
use podlift_model::{KubeVersion, Look, NodeFacts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyNode {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
}

impl VerifyNode {
    pub fn to(version: KubeVersion) -> Self {
        Self { to: Given::shared(version) }
    }
}

impl Step for VerifyNode {
    fn verb(&self) -> String {
        "verify-node".into()
    }
    fn touches(&self) -> Touches {
        Touches::Nothing
    }
    fn complete(&mut self, shared: &Shared) {
        self.to.complete(shared.to);
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self::to(KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        Probe::All(vec![Probe::Cluster(ClusterLook::Node { node: cx.node() }), cx.look(Look::Facts)])
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [first, second] = all(reply) else { return odd(reply) };
        let (Some(view), Some(facts)) = (node(first), facts(second)) else { return odd(reply) };
        let (name, to) = (cx.node(), *self.to);
        match view.kubelet {
            _ if !view.ready => Assess::Wait(format!("not Ready: {}", view.ready_message)),
            Some(kubelet) if kubelet == to && view.unschedulable && ours(cx, view) => blocked(
                "cordon-left",
                format!("node {name} still carries this run's cordon"),
                format!("kubectl uncordon {name} && podlift retry"),
            ),
            Some(kubelet) if kubelet == to && other_package(facts, to).is_some() => {
                let what = other_package(facts, to).unwrap_or_default();
                blocked("package-changed", format!("{name}: {what}"), mend(cx, facts, to))
            }
            Some(kubelet) if kubelet == to => done(format!("Ready at {to}")),
            other => {
                let is = other.map_or("an unknown version".into(), |v| v.to_string());
                let message = format!(
                    "not at {to} at the end of the run: {name} runs {is}; this run does not upgrade it once more: leave it out, and the next run takes it"
                );
                blocked("not-at-target", message, format!("podlift defer {name} && podlift resume"))
            }
        }
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { poll: Duration::from_secs(5), ..cx.policy() }
    }
}

/// The command that sets the packages right: a hold does not help where the version is another.
fn mend(cx: &Cx, facts: &NodeFacts, to: KubeVersion) -> String {
    let name = cx.node();
    let wanted = cx.program().goal.upgrade().map(|upgrade| upgrade.packages.clone()).unwrap_or_default();
    let other = wanted.iter().filter(|(package, _)| {
        let is = facts.packages.get(package.name()).and_then(|p| p.version.as_ref());
        is.is_none_or(|v| v.kube != to)
    });
    let pins: Vec<String> = other.map(|(package, version)| format!("{package}={version}")).collect();
    let hold = "apt-mark hold kubeadm kubelet kubectl";
    match pins.is_empty() {
        true => format!("ssh {name} {hold} && podlift retry"),
        false => format!(
            "ssh {name} 'apt-get install -y --allow-change-held-packages {} && {hold}' && podlift retry",
            pins.join(" ")
        ),
    }
}

/// A package that has another version than the run's, or whose hold is gone.
fn other_package(facts: &NodeFacts, to: KubeVersion) -> Option<String> {
    [Package::Kubeadm, Package::Kubelet, Package::Kubectl].iter().find_map(|package| {
        let state = facts.packages.get(package.name());
        let version = state.and_then(|p| p.version.as_ref());
        match version {
            Some(v) if v.kube == to && state.is_some_and(|p| p.held) => None,
            Some(v) if v.kube == to => Some(format!("package {package} {v} is not held any more")),
            Some(v) => Some(format!("package {package} is {v}, expected {to}")),
            None => Some(format!("package {package} is not installed")),
        }
    })
}
