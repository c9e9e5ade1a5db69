//! BCM: devices, categories, software images as folders on the head node's disk, provisioners and what they last got, tasks, and the
//! rules by which an image is copied over a node. `switches` holds every answer of which the facts are not sure.

pub mod build;
mod chroot;
mod content;
mod excludes;
mod failover;
mod head;
mod image;
mod kubeadm;
mod pattern;
mod provision;
mod ramdisk;
mod request;
mod services;
pub mod switches;
mod sync;

pub use chroot::Jail;
pub use content::{Content, STATUS};
pub use head::Ha;
pub use image::SIZE;
pub use kubeadm::WRITER;
pub use pattern::Patterns;
pub use request::{Ended, Request};
pub use switches::{Lie, Lies, Switches};
pub use sync::{Mode, SyncLog, log_path};

use super::state::Node;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
pub struct Bcm {
    /// As `cm-kubernetes-setup --list-versions` prints them.
    pub versions: Vec<String>,
    /// The cluster of this World, and the version in its metadata.
    pub cluster: String,
    pub version: String,
    /// Other Kubernetes clusters: name and version.
    pub more_clusters: Vec<(String, String)>,
    /// Of the group `system`: name, and whether it is enabled.
    pub applications: Vec<(String, bool)>,
    pub devices: BTreeMap<String, Device>,
    pub categories: BTreeMap<String, Category>,
    pub images: BTreeMap<String, SoftwareImage>,
    pub provisioners: Vec<Provisioner>,
    pub tasks: Vec<Task>,
    /// Device to its last sync.
    pub syncs: BTreeMap<String, SyncLog>,
    /// Requests that are not served yet: device and why.
    pub waiting: BTreeMap<String, String>,
    /// Requests that are not at their end, by UUID.
    pub requests: BTreeMap<String, Request>,
    /// Requests that failed: device and the error's text.
    pub failed: BTreeMap<String, String>,
    pub ha: Ha,
    /// kubeadm-config as BCM keeps it.
    pub config: Value,
    pub switches: Switches,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// `PhysicalNode` or `HeadNode`.
    pub kind: &'static str,
    pub category: Option<String>,
    /// Set at the node itself; None: its category's.
    pub image: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Category {
    pub image: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftwareImage {
    pub path: String,
    pub kernel: String,
    pub locked: bool,
    /// dpkg's word for its architecture.
    pub arch: String,
    /// Its clone was not cut short.
    pub whole: bool,
    /// Grows with every change that CMDaemon knows of: one by a shell is none.
    pub known: u64,
    /// Mount points below its path, as a session in it left them or has them.
    pub mounts: Vec<String>,
    /// Processes whose root it is: process id and command.
    pub processes: Vec<(u32, String)>,
}

#[derive(Debug, Clone)]
pub struct Provisioner {
    pub node: String,
    pub slots: u32,
    pub in_use: u32,
    pub drained: bool,
    /// It gets images now, and serves nobody.
    pub updating: bool,
    /// The images that it gets now.
    pub gets: Vec<String>,
    /// What it has of each image.
    pub copies: BTreeMap<String, Content>,
    pub updated: Option<jiff::Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub id: String,
    pub what: String,
    pub image: String,
    /// pending, running, done, failed or cancelled.
    pub state: &'static str,
}

/// The head node and the images, which are places with packages and files like nodes, and no nodes of the cluster.
pub type Places = BTreeMap<String, Node>;

impl Bcm {
    /// The image that a device gets, and whether it is set at the device itself.
    pub fn image_of(&self, device: &str) -> Option<(String, bool)> {
        let device = self.devices.get(device)?;
        let own = device.image.clone().map(|image| (image, true));
        let category = || self.categories.get(device.category.as_ref()?)?.image.clone();
        own.or_else(|| category().map(|image| (image, false)))
    }

    pub fn image_at(&self, path: &str) -> Option<(&String, &SoftwareImage)> {
        self.images.iter().find(|(_, image)| image.path == path)
    }

    /// Devices that would get this image at their next sync.
    pub fn users(&self, image: &str) -> Vec<String> {
        let uses = |device: &&String| self.image_of(device).is_some_and(|(of, _)| of == image);
        self.devices.keys().filter(uses).cloned().collect()
    }
}
