//! Flag loss: all that a kubeadm upgrade would take away, empty or change on a node, with where it comes from. kubeadm regenerates whole
//! files from two ConfigMaps and keeps nothing of the old ones (kubeadm 1.32 `phases/controlplane/manifests.go`), so what was added by hand
//! is gone unless it is put where kubeadm reads it.

mod etcd;
mod extras;
mod flags;
mod kubelet;

use super::root_cause::{Prevention, live_flags};
use super::{PatchFile, PlanInput};
use crate::kubeadm_config::ClusterConfiguration;
use podlift_model::NodeName;
use podlift_model::flags::FlagChange;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    Flag,
    Env,
    Volume,
    Container,
    /// Of the kubelet's configuration.
    Setting,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Loss {
    /// Where it is the same.
    pub nodes: Vec<NodeName>,
    /// `kube-apiserver`, …, `kubelet`, `etcd`.
    pub component: String,
    pub kind: LossKind,
    pub name: String,
    pub live: String,
    /// None: it would be gone. Empty: it would be there and empty.
    pub becomes: Option<String>,
    /// Which key renders it, or who put it there.
    pub origin: String,
}

/// What the comparison found, and what can be done about it.
#[derive(Debug, Default)]
pub(super) struct Predicted {
    pub losses: Vec<Loss>,
    pub prevented: Vec<Prevention>,
    pub unrepairable: Vec<String>,
    /// What would start the API servers on an empty or another store.
    pub store: Vec<String>,
    pub patches: Vec<PatchFile>,
}

pub(super) fn predict(input: &PlanInput, config: &ClusterConfiguration) -> Predicted {
    let mut out = Predicted::default();
    flags::predict(input, config, &mut out);
    etcd::predict(input, config, &mut out);
    extras::predict(input, config, &mut out);
    kubelet::predict(input, &mut out);
    out
}

impl Loss {
    /// The same values in another order, where the order has a meaning: the first issuer signs.
    fn is_reorder(&self) -> bool {
        let (component, flag) = (self.component.clone(), self.name.clone());
        let change =
            FlagChange { component, flag, live: Some(self.live.clone()), rendered: self.becomes.clone() };
        self.kind == LossKind::Flag && change.is_reorder()
    }
}

impl Predicted {
    /// Adds a loss, or its node to the same loss of another node.
    fn add(&mut self, node: &NodeName, loss: Loss) {
        let same = |l: &&mut Loss| {
            (&l.component, l.kind, &l.name, &l.live, &l.becomes)
                == (&loss.component, loss.kind, &loss.name, &loss.live, &loss.becomes)
        };
        match self.losses.iter_mut().find(same) {
            Some(known) => known.nodes.push(node.clone()),
            None => self.losses.push(Loss { nodes: vec![node.clone()], ..loss }),
        }
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match self.kind {
            LossKind::Flag => format!("--{}", self.name),
            LossKind::Env => format!("environment {}", self.name),
            LossKind::Volume => format!("volume {}", self.name),
            LossKind::Container => format!("container {}", self.name),
            LossKind::Setting => self.name.clone(),
        };
        let end = match self.becomes.as_deref() {
            None => "would vanish".into(),
            Some("") => "would be emptied".into(),
            Some(new) if self.is_reorder() => {
                format!("would change its order, which has a meaning, to {new}")
            }
            Some(new) => format!("would change to {new}"),
        };
        let now = if self.live.is_empty() { String::new() } else { format!(" (now {})", self.live) };
        write!(f, "{}: {what} {end}{now} on {}; {}", self.component, names(&self.nodes), self.origin)
    }
}

/// The first few of many names.
pub(super) fn names(nodes: &[NodeName]) -> String {
    let shown: Vec<&str> = nodes.iter().take(3).map(NodeName::as_str).collect();
    match nodes.len() {
        0..=3 => shown.join(", "),
        n => format!("{} and {} more", shown.join(", "), n - 3),
    }
}

/// Who put it there, where no ConfigMap renders it.
fn by_hand() -> String {
    "no ConfigMap of kubeadm has it: it was added by hand".into()
}

#[cfg(test)]
mod tests;
