//! The kinds of members of a backup, which of them are secret, and which a set must contain.

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
    /// Certificates and keys.
    Pki,
    Kubeconfig,
    KubeletConfig,
    Nodes,
    Pods,
    KubeadmConfig,
    KubeletConfigMap,
    LoadBalancerServices,
    Ingresses,
    TlsSecrets,
    TigeraInstallations,
    Workloads,
}

impl Kind {
    /// Whether a reader of this file could act as the cluster or as one of its users. `said` is true if the source declares the file
    /// secret.
    pub fn secret(self, path: &str, said: bool) -> bool {
        let certificate = path.ends_with(".crt") || path.ends_with(".pub");
        match self {
            Self::EtcdSnapshot | Self::Kubeconfig | Self::TlsSecrets => true,
            Self::Pki => said || !certificate,
            _ => said,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = serde_json::to_value(self).ok();
        f.write_str(kind.as_ref().and_then(|k| k.as_str()).unwrap_or_default())
    }
}

/// A member without which a set is not a backup.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Wanted {
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub node: Option<NodeName>,
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.node {
            Some(node) => write!(f, "{} of {node}", self.kind),
            None => write!(f, "{}", self.kind),
        }
    }
}
