//! What an agent finds when a plan is made: more than its facts, and too costly for every heartbeat. Looked at and never changed: a look
//! that could not be made says why instead (`Seen`), and never counts as "nothing there".

use crate::facts::PackageOffer;
use crate::flags::{FlagChange, FlagSet};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was seen, or why it could not be.
pub type Seen<T> = Result<T, String>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeSurvey {
    /// Free and whole bytes of the filesystems that the upgrade writes to, by the folder that was asked for.
    pub disks: BTreeMap<String, Disk>,
    /// Certificates of kubeadm, kubelet and etcd.
    pub certificates: Vec<CertificateFacts>,
    /// What the manifest folder holds besides the three of the control plane.
    pub other_manifests: Vec<OtherManifest>,
    /// Why the cluster's packages might be changed or their services restarted without podlift.
    pub automation: Automation,
    pub containerd: Option<Containerd>,
    /// `/var/lib/kubelet/config.yaml` and the kubelet's own flags.
    pub kubelet: Seen<KubeletSettings>,
    /// What `apt-get install` of the exact versions would do, from a private apt root.
    pub install: Seen<InstallPreview>,
    /// Control plane: the difference that the target's own kubeadm would make, unpacked and not installed. None: a worker.
    pub target_diff: Option<Seen<Vec<FlagChange>>>,
    /// Control plane: volumes, mounts and environment of the live manifests, by component; kubeadm-config has no other place for them.
    pub extras: BTreeMap<String, ManifestExtras>,
    /// Images of the target that are here already, and those that are not.
    pub images: Seen<Images>,
    /// Network mounts and other mounts that work depends on: mount point to source.
    pub mounts: BTreeMap<String, String>,
    pub infiniband: Vec<String>,
    /// Package revision of dpkg's half-done work, if there is any (`dpkg --audit`).
    pub dpkg_audit: Seen<Vec<String>>,
    /// Under which names this node is known; None: an agent that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Seen<NodeNames>>,
    /// Control plane: `ca.crt` is there and `ca.key` is not, so that kubeadm can renew nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ca: Option<bool>,
    /// Control plane: whether the CA data of each kubeconfig verifies this node's API server certificate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kubeconfigs: Vec<KubeconfigTrust>,
    /// Control plane with stacked etcd: what its manifest says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd: Option<Seen<StackedEtcd>>,
    /// Folders with kubeadm patches that podlift does not own: `/etc/kubernetes/patches`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patch_folders: Vec<String>,
    /// apt sources of others that are broken or name a repository that is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_sources: Vec<ForeignSource>,
    /// What of the parts without a `Seen` could not be looked at, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unseen: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Disk {
    pub free_bytes: u64,
    pub free_inodes: u64,
    pub read_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateFacts {
    pub path: String,
    pub subject: String,
    pub not_after: Timestamp,
    pub ca: bool,
    /// Which certificate of its file it is, from 0: a CA bundle has several.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub index: u32,
}

/// Names that must be one and the same: kubeadm looks for its Node by them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeNames {
    /// `/etc/hostname`, or the kernel's.
    pub hostname: String,
    /// `--hostname-override` of the kubelet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<String>,
    /// NAME of `system:node:NAME`, the user of kubelet.conf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubelet_user: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KubeconfigTrust {
    pub path: String,
    /// Its CA data verifies the certificate that this node's API server shows.
    pub trusts: Seen<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StackedEtcd {
    pub image: String,
    pub flags: FlagSet,
    /// Why its flags can't be known, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForeignSource {
    pub file: String,
    /// What is wrong with it, and what to do.
    pub what: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherManifest {
    pub file: String,
    /// namespace/name of the pod; None: it can't be read as one.
    pub pod: Option<String>,
    /// It is the same pod as one of the three: the kubelet takes whichever file it reads last.
    pub stray: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Automation {
    /// The service or timer is enabled or running, and apt's configuration lets it upgrade.
    pub unattended_upgrades: bool,
    /// needrestart is installed; with the mode of its configuration (`a` restarts by itself).
    pub needrestart: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Containerd {
    /// As it says itself: `2.1.4`.
    pub version: String,
    /// CDI is switched on in its configuration, or CDI specifications are there (/etc/cdi, /var/run/cdi).
    pub cdi: bool,
    /// Runtimes of its configuration: `nvidia`, `runc`.
    pub runtimes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KubeletSettings {
    /// The file as JSON.
    pub config: serde_json::Value,
    /// Flags of its unit, drop-ins and environment files, as the next start will have them.
    pub flags: FlagSet,
    /// Where each flag of `flags` comes from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, String>,
    /// Flags of the kubelet that runs (its `/proc/PID/cmdline`); None: an agent that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Seen<FlagSet>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstallPreview {
    /// Package to the version that would be installed, dependencies included.
    pub install: BTreeMap<String, String>,
    pub remove: Vec<String>,
    /// What apt said where it would refuse.
    pub refused: Option<String>,
    pub offers: Vec<PackageOffer>,
    pub download_bytes: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestExtras {
    /// name=value, values of secrets left out.
    pub env: Vec<String>,
    /// Volume name to what it mounts.
    pub volumes: BTreeMap<String, String>,
    /// Names of containers besides the component's own.
    pub containers: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Images {
    pub present: Vec<String>,
    pub missing: Vec<String>,
}

/// A file of the node that belongs into a backup, as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupFile {
    /// Absolute within the node.
    pub path: String,
    pub bytes: u64,
    pub mode: u32,
    pub secret: bool,
}

/// Part of a file: base64, and whether more follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FilePart {
    pub path: String,
    pub offset: u64,
    pub base64: String,
    pub last: bool,
}
