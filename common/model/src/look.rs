//! The closed vocabulary of looks: what a coordinator may ask a node to tell. A look changes nothing on the node, runs beside ops and
//! other looks, and leaves no record in the agent's ledger.

use crate::ids::RunId;
use crate::version::KubeVersion;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One question to a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "look")]
pub enum Look {
    Facts,
    /// Exact versions in the repository of the target's minor, fetched into a private apt root: the node's own lists stay as they are.
    Packages {
        to: KubeVersion,
    },
    /// What the installed kubeadm would write, as flag changes.
    KubeadmDiff {
        to: KubeVersion,
    },
    EtcdHealth,
    /// This node's own API server: /readyz at its advertise address, the running container's image and flags, restarts, last log lines.
    ApiServer,
    /// The heal rules applied to the manifests, changing nothing.
    Manifests,
    /// What this agent's own store holds for a run.
    Backup {
        run: RunId,
    },
    /// All that a plan rests on and that is too costly for facts. Changes nothing: what it fetches and unpacks goes into the private root.
    Survey {
        to: KubeVersion,
    },
    /// Files of this node that belong into a backup: a closed list (manifests, PKI, kubeconfigs, kubelet's and etcd's configuration).
    BackupFiles,
    /// A part of one of those files. A secret one is encrypted by the agent before its first part leaves. Needs the current epoch.
    BackupPart {
        path: String,
        offset: u64,
        /// age recipients, all of them among those of the node's own configuration; empty: all of those.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        recipients: Vec<String>,
    },
    /// Of a head node: minors of Kubernetes that its BCM can manage.
    BcmVersions,
    /// Of a head node: the Kubernetes version that BCM's metadata has of the agent's own cluster.
    BcmClusterVersion,
    /// Of a head node: what BCM applies to that cluster by itself.
    BcmApplications,
}

impl Look {
    /// True for looks whose answer only the commanding coordinator may have.
    pub fn needs_epoch(&self) -> bool {
        matches!(self, Look::BackupPart { .. })
    }

    /// True for looks that the agent of a head node answers, and no other.
    pub fn is_of_head(&self) -> bool {
        matches!(self, Look::BcmVersions | Look::BcmClusterVersion | Look::BcmApplications)
    }

    /// Kebab-case verb for people, logs and metrics.
    pub fn verb(&self) -> &'static str {
        match self {
            Look::Facts => "observe-facts",
            Look::Packages { .. } => "observe-packages",
            Look::KubeadmDiff { .. } => "observe-diff",
            Look::EtcdHealth => "observe-etcd",
            Look::ApiServer => "observe-api-server",
            Look::Manifests => "observe-manifests",
            Look::Backup { .. } => "observe-backup",
            Look::Survey { .. } => "observe-survey",
            Look::BackupFiles => "observe-backup-files",
            Look::BackupPart { .. } => "observe-backup-part",
            Look::BcmVersions => "observe-bcm-versions",
            Look::BcmClusterVersion => "observe-bcm-cluster-version",
            Look::BcmApplications => "observe-bcm-applications",
        }
    }
}
