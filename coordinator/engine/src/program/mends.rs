//! What a run repairs in the texts that kubeadm reads, and those texts as they were.

use super::PatchFile;
use crate::doors::KubeadmConfigView;
use crate::kubeadm_config::ConfigRepair;
use podlift_model::NodeName;
use podlift_model::op::{Component, FlagLoss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq)]
pub struct Mends {
    /// What the run prevents from going wrong, and how.
    pub prevented: Vec<Prevention>,
    pub repairs: Vec<ConfigRepair>,
    /// Settings that kubeadm-config can't express: files for `kubeadm --patches`, on their nodes and at every later run.
    pub patches: Vec<PatchFile>,
    /// Flags whose loss an operator has waived, so that the guards do not put them back.
    pub meant: Vec<FlagLoss>,
    pub kubeadm_config: KubeadmConfigView,
    /// ConfigMap kubelet-config as it was; `None` if the run does not repair it.
    pub kubelet_config: Option<String>,
}

impl Mends {
    /// The required content of this node's patches directory.
    pub fn patches_of(&self, node: &NodeName) -> impl Iterator<Item = &PatchFile> {
        self.patches.iter().filter(|p| p.nodes.contains(node))
    }
}

/// One thing that the run prevents from going wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Prevention {
    /// `etcd-servers-lost`, `gate-fatal`, `site-gate`, `flag-lost`, `env-lost`, `kubelet-setting-lost`.
    pub id: String,
    pub component: Part,
    pub what: String,
    pub repair: ConfigRepair,
    /// True if a rule of this site requires it, and not a fact of Kubernetes.
    pub site_rule: bool,
}

/// The part of Kubernetes that it is about.
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
