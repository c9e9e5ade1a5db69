//! A software image on a head node, as its files and BCM show it.

use super::ids::ImageName;
use crate::facts::PackageState;
use crate::version::Minor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A software image. What needs a look at its files is empty in the list of all images; the look at one image has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BcmImage {
    pub name: ImageName,
    /// Its folder on the head node.
    pub path: String,
    /// Version of its Linux kernel, as BCM has it.
    pub kernel: String,
    /// Requests for a locked image wait until it is unlocked.
    pub locked: bool,
    /// dpkg's architecture of the image: `amd64`, `arm64`. `None` if the image has no dpkg.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Kubernetes' packages that dpkg in the image knows: kubeadm, kubelet, kubectl, cri-tools, kubernetes-cni.
    #[serde(default)]
    pub packages: BTreeMap<String, PackageState>,
    /// Minor of the Kubernetes repository in the image's apt sources; `None` if no source, or more than one, names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Minor>,
    /// Bytes of its files; `None` if they were not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Free bytes of the file system of `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// Mounts below the image and processes with their root or folder in it: `mount /cm/images/x/proc`, `process 812 (dpkg)`.
    #[serde(default)]
    pub inside: Vec<String>,
    /// podlift's agent and its unit are in the image, and the unit is enabled there.
    #[serde(default)]
    pub agent: bool,
    /// Files of the image's `/etc/apt/preferences.d` that name a Kubernetes package.
    #[serde(default)]
    pub pins: Vec<String>,
}
