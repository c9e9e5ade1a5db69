//! Restarts a workload of Run:ai by a rollout, so that its pods read the certificate that was lost and is there again, whoever has brought
//! it back. Without such a loss the step has nothing to do. The restart is asked for by name, because it interrupts what people see.

use super::object_verb::verb_of;
use super::reply::{all, done, odd};
use super::{Assess, Cx, Step, Touches, approved, rollout};
use crate::doors::{Act, ClusterAct, ClusterLook, ClusterReply, Probe, Reply, RolloutKind};
use crate::inventory::NodeRole;
use crate::issues::{IssueName, Mend};
use crate::program::Item;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestartRollout {
    kind: RolloutKind,
    namespace: String,
    name: String,
    /// Default certificates of ingress controllers, `namespace/name`, which Run:ai's pods meet beside the secrets of its own namespaces.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    defaults: BTreeSet<String>,
}

impl RestartRollout {
    /// Namespaces of Run:ai in the order in which their pods are restarted: its backend, then its cluster part.
    pub const NAMESPACES: [&str; 2] = ["runai-backend", "runai"];

    pub fn of(kind: RolloutKind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: namespace.into(), name: name.into(), defaults: BTreeSet::new() }
    }

    pub fn with_defaults(self, defaults: BTreeSet<String>) -> Self {
        Self { defaults, ..self }
    }

    fn mend(&self) -> Mend {
        Mend::RestartRollout { kind: self.kind, namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

/// Failures of a restoration that show that the secret was gone.
const GONE: [&str; 3] = ["no-copy", "sealed-only", "deleted-again"];

impl RestartRollout {
    /// Whether a certificate of Run:ai was lost in this run. It does not matter who has brought it back.
    fn needed(&self, cx: &Cx) -> bool {
        let own = |namespace: &str, name: &str| {
            Self::NAMESPACES.contains(&namespace) || self.defaults.contains(&format!("{namespace}/{name}"))
        };
        let by_step = cx.program().steps().any(|spec| {
            let Some(Mend::RestoreSecret { namespace, name }) = spec.kind.step().mend() else { return false };
            let step = &cx.state.steps[&spec.id];
            let gone = step.last_failure.as_deref().is_some_and(|code| GONE.contains(&code));
            (step.ever_acted || gone) && own(&namespace, &name)
        });
        let lost = |object: &crate::machine::LostObject| {
            let name = object.object.strip_prefix("secret ").and_then(|name| name.split_once('/'));
            object.issue == IssueName::IngressTls
                && name.is_some_and(|(namespace, name)| own(namespace, name))
        };
        by_step || cx.state.lost_objects.iter().any(lost)
    }

    /// Whether this run has not restarted it yet. The annotation of a restart stays, so it is judged and not repeated after a retry.
    fn is_before(cx: &Cx) -> bool {
        !cx.acted && !cx.state.steps[&cx.step.id].ever_acted
    }

    /// What needs no look.
    fn settled(&self, cx: &Cx) -> Option<Assess> {
        if !self.needed(cx) {
            return Some(done("no certificate of Run:ai was lost, so nothing has to be restarted"));
        }
        let refused = Self::is_before(cx) && approved::is_refused(cx, Item::RunaiRestart);
        refused.then(|| approved::awaited(cx, Item::RunaiRestart, &self.what())).flatten()
    }

    fn what(&self) -> String {
        format!("{} still has the certificate from before, and would be restarted", self.mend().object())
    }
}

impl Step for RestartRollout {
    fn verb(&self) -> String {
        verb_of(&format!("restart-{}", self.kind.name()), &self.namespace, &self.name)
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("ingress-tls")
    }
    fn mend(&self) -> Option<Mend> {
        Some(self.mend())
    }
    fn remains(&self) -> Option<String> {
        Some("pods of Run:ai were restarted".into())
    }
    fn sample() -> Self {
        Self::of(RolloutKind::Deployment, "runai-backend", "runai-backend-traefik")
    }

    fn probe(&self, cx: &Cx) -> Probe {
        if self.settled(cx).is_some() {
            return Probe::All(vec![]);
        }
        let (kind, namespace, name) = (self.kind, self.namespace.clone(), self.name.clone());
        let rollout = ClusterLook::Rollout { kind, namespace, name };
        Probe::All(vec![Probe::Cluster(rollout), Probe::Cluster(ClusterLook::NodesLately)])
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        if let Some(settled) = self.settled(cx) {
            return settled;
        }
        let object = self.mend().object();
        let [Reply::Cluster(ClusterReply::Rollout(seen)), Reply::Cluster(ClusterReply::Nodes(nodes))] =
            all(reply)
        else {
            return odd(reply);
        };
        let Some(seen) = seen else {
            return done(format!("{object} is not there any more, so nothing has to be restarted"));
        };
        if Self::is_before(cx) {
            return approved::awaited(cx, Item::RunaiRestart, &self.what()).unwrap_or(Assess::Ready);
        }
        match rollout::workload(cx, seen, nodes) {
            Ok(counts) => done(format!("{object} was restarted: {counts}")),
            Err(why) => Assess::Wait(format!("{object} restarts: {why}")),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let (kind, namespace, name) = (self.kind, self.namespace.clone(), self.name.clone());
        let run = Some(cx.state.run.clone());
        Some(Act::Cluster(ClusterAct::RestartRollout { kind, namespace, name, run }))
    }
}
