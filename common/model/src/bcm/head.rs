//! A head node, and the Kubernetes clusters that BCM knows.

use crate::ids::ClusterName;
use crate::version::PackageVersion;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The part of a head node in BCM's high availability, as `cmha status` reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeadMode {
    Active,
    Passive,
    /// There is no second head node.
    Alone,
    /// The answer has no mode that is known, or more than one head node calls itself active.
    Unknown,
}

impl HeadMode {
    /// Whether this head node may change BCM's state.
    pub fn acts(self) -> bool {
        matches!(self, Self::Active | Self::Alone)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeadState {
    pub mode: HeadMode,
    /// The lines of `cmha status` that gave the mode, or why there is none.
    pub text: String,
    /// Version of the package `cm-setup`, which has the list of Kubernetes versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cm_setup: Option<String>,
    /// BCM's own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bcm: Option<String>,
    /// `cm-kubeadm-manage` is there, and its help lists `update_configmap`.
    #[serde(default)]
    pub kubeadm_manage: bool,
}

/// A Kubernetes cluster of BCM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BcmCluster {
    pub name: ClusterName,
    /// BCM's metadata; `None` if it has no version, or one of another form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<PackageVersion>,
}

/// One row of BCM's `kubernetes; appgroups; use system; applications; list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BcmApplication {
    pub name: String,
    pub enabled: bool,
}
