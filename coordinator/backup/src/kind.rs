//! What a member of a backup is, whether it is secret, and what a set must contain to be one.

use podlift_model::NodeName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One member's snapshot of the whole store; it contains every Secret of the cluster.
    EtcdSnapshot,
    /// Unit and configuration of etcd on a node.
    EtcdConfig,
    Manifest,
    /// Certificates and keys below /etc/kubernetes.
    Pki,
    Kubeconfig,
    KubeletConfig,
    Nodes,
    Pods,
    KubeadmConfig,
    KubeletConfigMap,
    LoadBalancerServices,
    TlsSecrets,
    TigeraInstallations,
    Workloads,
}

impl Kind {
    /// Whether somebody who reads it could act as the cluster or as one of its users.
    pub fn secret(self) -> bool {
        matches!(self, Self::EtcdSnapshot | Self::Pki | Self::Kubeconfig | Self::TlsSecrets)
    }
}

/// A member without which a set is no backup.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Wanted {
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub node: Option<NodeName>,
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = serde_json::to_value(self.kind).ok();
        let kind = kind.as_ref().and_then(|k| k.as_str()).unwrap_or_default();
        match &self.node {
            Some(node) => write!(f, "{kind} of {node}"),
            None => write!(f, "{kind}"),
        }
    }
}
