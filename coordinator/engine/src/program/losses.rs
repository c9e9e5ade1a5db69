//! What an upgrade takes away: settings that kubeadm would not write again, and pods that leave their nodes.

use crate::listed::listed;
use podlift_model::NodeName;
use podlift_model::flags::FlagChange;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    Flag,
    Env,
    Volume,
    Container,
    /// A setting of the kubelet's configuration.
    Setting,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Loss {
    /// The nodes on which the loss is the same.
    pub nodes: Vec<NodeName>,
    /// `kube-apiserver`, …, `kubelet`, `etcd`.
    pub component: String,
    pub kind: LossKind,
    pub name: String,
    pub live: String,
    /// Value after the upgrade. `None` if it would be gone; empty if it would be present and empty.
    pub becomes: Option<String>,
    /// The key that renders it, or the origin of a setting that no key renders.
    pub origin: String,
}

/// What the work on a node affects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blast {
    /// namespace/name of the pods that a drain evicts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evicted: Vec<String>,
    /// `namespace/Kind/name` of their owners to the number of their pods that are evicted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub workloads: BTreeMap<String, u32>,
    /// GPUs and MIG devices that those pods hold.
    pub gpus: u32,
    /// Namespace of the Rook cluster that has storage on the node. Rook lets one failure domain after another go, so such nodes are taken
    /// one after another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// `namespace/name (how)` of evicted pods that use a GPU without requesting it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpu_users: Vec<String>,
    /// Jobs with members on other nodes, which lose their members on this node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gangs: Vec<Gang>,
    /// Budgets that would block the drain, each in a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<String>,
    /// Pods without a controller. While there is one, a drain refuses to evict anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bare: Vec<String>,
    /// Pods whose emptyDir is lost with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty_dirs: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gang {
    pub name: String,
    pub here: u32,
    pub elsewhere: u32,
}

impl Loss {
    /// Whether the same values are in another order, where the order has a meaning: the first issuer signs.
    fn is_reorder(&self) -> bool {
        let (component, flag) = (self.component.clone(), self.name.clone());
        let change =
            FlagChange { component, flag, live: Some(self.live.clone()), rendered: self.becomes.clone() };
        self.kind == LossKind::Flag && change.is_reorder()
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

/// The first three names, and the number of the others.
pub(crate) fn names(nodes: &[NodeName]) -> String {
    listed(nodes, 3)
}
