//! What an agent finds when a plan is made: more than its facts, and too costly for every heartbeat. A survey changes nothing. A look that
//! could not be made gives the reason (`Seen`) and never counts as "nothing there".

use crate::facts::PackageOffer;
use crate::flags::{FlagChange, FlagSet};
use crate::images::ImagesState;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use crate::seen::Seen;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeSurvey {
    /// Free space and inodes of the filesystems that the upgrade writes to, by the folder that was requested.
    pub disks: BTreeMap<String, Disk>,
    /// Certificates of kubeadm, kubelet and etcd.
    pub certificates: Vec<CertificateFacts>,
    /// Files of the manifest folder other than the three of the control plane.
    pub other_manifests: Vec<OtherManifest>,
    /// Services that might change the cluster's packages or restart their services without podlift.
    pub automation: Automation,
    pub containerd: Option<Containerd>,
    /// `/var/lib/kubelet/config.yaml` and the kubelet's own flags.
    pub kubelet: Seen<KubeletSettings>,
    /// What `apt-get install` of the exact versions would do, simulated in a private apt root.
    pub install: Seen<InstallPreview>,
    /// Control plane: the changes that the target's own kubeadm would make; the agent unpacks it and does not install it. `None` on a
    /// worker.
    pub target_diff: Option<Seen<Vec<FlagChange>>>,
    /// Control plane: volumes, mounts and environment of the live manifests, by component. kubeadm-config can't express them.
    pub extras: BTreeMap<String, ManifestExtras>,
    /// Images of the target, also of those that the node lacks whether they can be pulled, and their file system.
    pub images: Seen<ImagesState>,
    /// Network mounts and other mounts that workloads depend on: mount point to source.
    pub mounts: BTreeMap<String, String>,
    pub infiniband: Vec<String>,
    /// Packages that dpkg has not finished (`dpkg --audit`).
    pub dpkg_audit: Seen<Vec<String>>,
    /// The names of this node; `None` if the agent does not report them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Seen<NodeNames>>,
    /// Control plane: `ca.crt` exists and `ca.key` does not, so that kubeadm can't renew certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ca: Option<bool>,
    /// Control plane: whether the CA data of each kubeconfig verifies the certificate of this node's API server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kubeconfigs: Vec<KubeconfigTrust>,
    /// Control plane with stacked etcd: the content of etcd's manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd: Option<Seen<StackedEtcd>>,
    /// Folders with kubeadm patches that podlift does not own: `/etc/kubernetes/patches`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patch_folders: Vec<String>,
    /// Broken apt sources, and sources of a repository that no longer exists; podlift does not own them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_sources: Vec<ForeignSource>,
    /// Parts without a `Seen` that could not be looked at, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unseen: BTreeMap<String, String>,
}

/// Names of the parts that have a default instead of a `Seen`: the keys of `NodeSurvey::unseen`.
pub mod part {
    pub const DISKS: &str = "free space";
    pub const OTHER_MANIFESTS: &str = "the manifest folder";
    pub const AUTOMATION: &str = "unattended upgrades";
    pub const CONTAINERD: &str = "containerd";
    pub const MOUNTS: &str = "mounts";
    pub const INFINIBAND: &str = "InfiniBand devices";
    pub const PATCH_FOLDERS: &str = "folders of kubeadm patches";
    pub const FOREIGN_SOURCES: &str = "apt sources of others";
    pub const KUBELET_FLAGS: &str = "the kubelet's flags";
}

impl NodeSurvey {
    /// All parts that could not be looked at, with the reasons: the one table of a survey's parts.
    pub fn not_seen(&self) -> Vec<(String, &str)> {
        let running = self.kubelet.as_ref().ok().and_then(|k| k.running.as_ref());
        let parts = [
            ("the node's names", why(self.names.as_ref())),
            ("the running kubelet's flags", why(running)),
            ("etcd.yaml", why(self.etcd.as_ref())),
            ("the kubelet's configuration", why(Some(&self.kubelet))),
            ("what apt would do", why(Some(&self.install))),
            ("the difference of the target's kubeadm", why(self.target_diff.as_ref())),
            ("the images", why(Some(&self.images))),
            ("dpkg's half-done work", why(Some(&self.dpkg_audit))),
        ];
        let mut out: Vec<(String, &str)> =
            parts.into_iter().filter_map(|(what, why)| Some((what.to_string(), why?))).collect();
        let trusts = self.kubeconfigs.iter().filter_map(|k| Some((&k.path, k.trusts.as_ref().err()?)));
        out.extend(trusts.map(|(path, why)| (format!("whether {path} trusts the API server"), why.as_str())));
        out.extend(self.unseen.iter().map(|(what, why)| (what.clone(), why.as_str())));
        out
    }

    /// Mounts on which workloads depend; the error gives the reason why they could not be seen.
    pub fn seen_mounts(&self) -> Result<&BTreeMap<String, String>, &str> {
        self.part(part::MOUNTS, &self.mounts)
    }

    pub fn seen_infiniband(&self) -> Result<&Vec<String>, &str> {
        self.part(part::INFINIBAND, &self.infiniband)
    }

    pub fn seen_containerd(&self) -> Result<Option<&Containerd>, &str> {
        self.part(part::CONTAINERD, &self.containerd).map(Option::as_ref)
    }

    fn part<'a, T>(&'a self, name: &str, value: &'a T) -> Result<&'a T, &'a str> {
        self.unseen.get(name).map_or(Ok(value), |why| Err(why.as_str()))
    }
}

fn why<T>(seen: Option<&Seen<T>>) -> Option<&str> {
    seen?.as_ref().err().map(String::as_str)
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
    /// Position of the certificate in its file, from 0: a CA bundle has several.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub index: u32,
}

/// Certificates of a node: those of kubeadm, kubelet and etcd, and those of its agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificatesState {
    pub certificates: Vec<CertificateFacts>,
    /// Files and folders that could not be read, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreadable: BTreeMap<String, String>,
}

/// Names of the node that must be equal, because kubeadm finds its Node by them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeNames {
    /// Content of `/etc/hostname`, or the kernel's host name.
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
    /// Whether its CA data verifies the certificate that this node's API server presents.
    pub trusts: Seen<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StackedEtcd {
    pub image: String,
    pub flags: FlagSet,
    /// Why its flags can't be known; `None` if they are known.
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
    /// namespace/name of the pod; `None` if the file can't be read as a pod.
    pub pod: Option<String>,
    /// The file defines the same pod as one of the three control-plane manifests. The kubelet uses the file that it reads last.
    pub stray: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Automation {
    /// The service or timer is enabled or running, and apt's configuration allows it to upgrade.
    pub unattended_upgrades: bool,
    /// Mode of needrestart's configuration (`a` restarts services automatically); `None` if it is not installed.
    pub needrestart: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Containerd {
    /// As containerd reports it: `2.1.4`.
    pub version: String,
    /// CDI is enabled in its configuration, or CDI specifications exist (/etc/cdi, /var/run/cdi).
    pub cdi: bool,
    /// Runtimes in its configuration: `nvidia`, `runc`.
    pub runtimes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KubeletSettings {
    /// The file as JSON.
    pub config: serde_json::Value,
    /// Flags of its unit, drop-ins and environment files, as the kubelet's next start will use them.
    pub flags: FlagSet,
    /// Where each flag of `flags` comes from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, String>,
    /// Flags of the running kubelet (its `/proc/PID/cmdline`); `None` if the agent does not report them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Seen<FlagSet>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstallPreview {
    /// Package to the version that would be installed, dependencies included.
    pub install: BTreeMap<String, String>,
    pub remove: Vec<String>,
    /// apt's message if it would refuse the installation.
    pub refused: Option<String>,
    pub offers: Vec<PackageOffer>,
    pub download_bytes: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestExtras {
    /// name=value; values of secrets are omitted.
    pub env: Vec<String>,
    /// Volume name to what it mounts.
    pub volumes: BTreeMap<String, String>,
    /// Names of containers besides the component's own.
    pub containers: Vec<String>,
}

/// What workloads of a node rest on besides Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DevicesState {
    /// Network mounts and other mounts that workloads depend on: mount point to source.
    pub mounts: Seen<BTreeMap<String, String>>,
    pub infiniband: Seen<Vec<String>>,
}

/// A file of the node that belongs to a backup, as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupFile {
    /// Absolute path within the node.
    pub path: String,
    pub bytes: u64,
    pub mode: u32,
    pub secret: bool,
}

/// Part of a file in base64; `last` is false if more parts follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FilePart {
    pub path: String,
    pub offset: u64,
    pub base64: String,
    pub last: bool,
}
