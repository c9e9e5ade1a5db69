//! The closed vocabulary of looks: what a coordinator may ask a node. A look changes nothing on the node, runs beside ops and other looks,
//! and leaves no record in the agent's ledger.

use crate::bcm::ImageName;
use crate::deletion::DeletedObject;
use crate::ids::{NodeName, RunId};
use crate::version::KubeVersion;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One question to a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "look")]
pub enum Look {
    Facts,
    /// Exact versions in the repository of the target's minor. The agent fetches the lists into a private apt root, so the node's own lists
    /// stay as they are.
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
    /// The three static pods of kubeadm, each as `ApiServer` looks at the API server.
    Components,
    /// The images that this node needs for the target, and the file system on which they are. No registry is asked, so the answer is cheap
    /// enough for the moment before a kubeadm run.
    Images {
        to: KubeVersion,
    },
    /// Mounts and InfiniBand devices, as in a survey.
    Devices,
    /// The heal rules evaluated on the manifests, without any change.
    Manifests,
    /// What this agent's own store holds of a run's backup.
    Backup {
        run: RunId,
    },
    /// All that a plan depends on and that is too costly for facts. The agent fetches and unpacks into its private root and changes nothing
    /// else.
    Survey {
        to: KubeVersion,
    },
    /// Files of this node that belong into a backup: a closed list (manifests, PKI, kubeconfigs, kubelet's and etcd's configuration).
    BackupFiles,
    /// A part of one of those files. The agent encrypts a secret file before it sends the first part. Needs the current epoch.
    BackupPart {
        path: String,
        offset: u64,
        /// age recipients, each of which must be in the node's own configuration. An empty list means all of the configured ones.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        recipients: Vec<String>,
    },
    /// On a head node: minors of Kubernetes that its BCM can manage.
    BcmVersions,
    /// On a head node: the Kubernetes version that BCM's metadata has for the agent's own cluster.
    BcmClusterVersion,
    /// On a head node: the applications that BCM itself applies to that cluster.
    BcmApplications,
    /// On a head node: its part in the high availability of BCM, and which of BCM's tools it has.
    BcmHead,
    /// On a head node: all Kubernetes clusters of BCM.
    BcmClusters,
    /// On a head node: the nodes that BCM provisions, each with its image.
    BcmNodes,
    /// On a head node: the software images, as far as BCM's list has them.
    BcmImages,
    /// On a head node: one software image, with a look at its files.
    BcmImage {
        image: ImageName,
    },
    /// On a head node: the exclude lists that are in effect for a node.
    BcmExcludes {
        node: NodeName,
    },
    /// On a head node: provisioners, waiting requests and CMDaemon's tasks.
    BcmProvisioning,
    /// On a head node: the log of a node's last update from its image.
    BcmSync {
        node: NodeName,
    },
    /// On a head node: the site checks, each with what keeps it from being run.
    SiteChecks,
    /// Whether the API answers behind the proxy of this node's own loopback, through which its kubelet reaches it.
    Proxy,
    /// The certificates of this node with their ends: those of a survey, and those of the agent itself. Head nodes answer it, too.
    Certificates,
    /// The newest deletion of an object in the audit log of this node's API server.
    Deletion {
        object: DeletedObject,
    },
}

impl Look {
    /// True for looks that only the coordinator with the current epoch may make.
    pub fn needs_epoch(&self) -> bool {
        matches!(self, Look::BackupPart { .. })
    }

    /// True for looks that only the agent of a head node answers.
    pub fn is_of_head(&self) -> bool {
        matches!(
            self,
            Look::BcmVersions
                | Look::BcmClusterVersion
                | Look::BcmApplications
                | Look::BcmHead
                | Look::BcmClusters
                | Look::BcmNodes
                | Look::BcmImages
                | Look::BcmImage { .. }
                | Look::BcmExcludes { .. }
                | Look::BcmProvisioning
                | Look::BcmSync { .. }
                | Look::SiteChecks
        )
    }

    /// Kebab-case verb for people, logs and metrics.
    pub fn verb(&self) -> &'static str {
        match self {
            Look::Facts => "observe-facts",
            Look::Packages { .. } => "observe-packages",
            Look::KubeadmDiff { .. } => "observe-diff",
            Look::EtcdHealth => "observe-etcd",
            Look::ApiServer => "observe-api-server",
            Look::Components => "observe-components",
            Look::Images { .. } => "observe-images",
            Look::Devices => "observe-devices",
            Look::Manifests => "observe-manifests",
            Look::Backup { .. } => "observe-backup",
            Look::Survey { .. } => "observe-survey",
            Look::BackupFiles => "observe-backup-files",
            Look::BackupPart { .. } => "observe-backup-part",
            Look::BcmVersions => "observe-bcm-versions",
            Look::BcmClusterVersion => "observe-bcm-cluster-version",
            Look::BcmApplications => "observe-bcm-applications",
            Look::BcmHead => "observe-bcm-head",
            Look::BcmClusters => "observe-bcm-clusters",
            Look::BcmNodes => "observe-bcm-nodes",
            Look::BcmImages => "observe-bcm-images",
            Look::BcmImage { .. } => "observe-bcm-image",
            Look::BcmExcludes { .. } => "observe-bcm-excludes",
            Look::BcmProvisioning => "observe-bcm-provisioning",
            Look::BcmSync { .. } => "observe-bcm-sync",
            Look::SiteChecks => "observe-site-checks",
            Look::Proxy => "observe-proxy",
            Look::Certificates => "observe-certificates",
            Look::Deletion { .. } => "observe-deletion",
        }
    }
}
