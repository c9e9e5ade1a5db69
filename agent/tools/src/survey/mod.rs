//! Facts for a plan that are too costly for regular facts, one file per part. Each part fails independently with its reason, and all share
//! one time limit. A survey changes nothing on the node: downloads and unpacked files go into the private apt root.

mod automation;
mod certificates;
mod containerd;
mod dated;
mod disks;
mod dpkg_audit;
mod etcd;
mod external_ca;
mod extras;
mod images;
mod infiniband;
mod kubeconfig;
mod kubelet;
mod limit;
pub(crate) mod mountinfo;
mod mounts;
mod names;
mod other_manifests;
mod patch_folders;
mod target;
#[cfg(test)]
mod tests;

pub use kubelet::drift::Drift;

use crate::{sources, whole};
use images::Ask;
use podlift_host::paths;
use podlift_host::{Files, Host};
use podlift_model::images::ImagesState;
use podlift_model::op::Component;
use podlift_model::survey::{CertificatesState, DevicesState, KubeletSettings, NodeSurvey, Seen, part};
use podlift_model::{Failure, KubeVersion, codes};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::sync::Mutex;

/// The node of a survey.
#[derive(Clone, Copy)]
pub struct Surveyed<'a> {
    pub host: &'a Host,
    /// Held during work in the private apt root.
    pub apt_root: &'a Mutex<()>,
    /// It was a control-plane node before: its manifests were learned, or its configuration names that role.
    pub control_plane: bool,
    /// Free bytes that /var must have before a download.
    pub free_bytes: u64,
}

/// What the parts use: the node, and ports whose commands end with the survey's time.
struct Site<'a> {
    node: Surveyed<'a>,
    host: Host,
    control_plane: bool,
}

impl Site<'_> {
    fn files(&self) -> &dyn Files {
        self.host.files.as_ref()
    }

    fn there(&self, path: &str) -> bool {
        self.files().stat(Path::new(path)).is_ok()
    }

    /// The file's text; `None` if the file does not exist.
    fn text(&self, path: &Path) -> Result<Option<String>, String> {
        match self.files().read(path) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(format!("{}: {e}", path.display())),
        }
    }

    /// Names in a folder; empty if the folder does not exist.
    fn names(&self, dir: &str) -> Result<Vec<String>, String> {
        match self.files().list(Path::new(dir)) {
            Ok(names) => Ok(names),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => Err(format!("{dir}: {e}")),
        }
    }
}

/// Reasons of failed parts that have no field for their own.
#[derive(Default)]
struct Unseen(BTreeMap<String, String>);

impl Unseen {
    /// Returns what was read, and keeps the reason of each file that could not be.
    fn each<T>(&mut self, what: &str, (read, strange): (T, Vec<(String, String)>)) -> T {
        self.0.extend(strange.into_iter().map(|(path, why)| (format!("{what} {path}"), why)));
        read
    }

    fn or_default<T: Default>(&mut self, what: &str, seen: Result<T, String>) -> T {
        seen.unwrap_or_else(|why| {
            self.0.insert(what.into(), why);
            T::default()
        })
    }
}

fn site(node: Surveyed<'_>) -> Site<'_> {
    site_with(node, limit::limited(node.host))
}

fn site_with(node: Surveyed<'_>, host: Host) -> Site<'_> {
    let control_plane = node.control_plane || has_manifests(node.host.files.as_ref());
    Site { node, host, control_plane }
}

/// Differences between the running kubelet and the files of its next start. The error says which of the two can't be known, and why.
pub async fn kubelet_drift(node: Surveyed<'_>) -> Result<Vec<Drift>, String> {
    kubelet::drift::look(&site(node)).await
}

/// Images that the node needs for this version, without a question to a registry.
pub async fn images(node: Surveyed<'_>, to: KubeVersion) -> Result<ImagesState, Failure> {
    images::look(&site(node), to).await
}

/// The same for an op that stages them: it downloads the target's kubeadm if nothing on the node lists the images.
pub async fn images_to_stage(node: Surveyed<'_>, to: KubeVersion) -> Result<ImagesState, Failure> {
    let site = site_with(node, node.host.clone());
    let wanted = match images::local(&site, to).await {
        Err(failure) if failure.code == codes::IMAGE_LIST_UNKNOWN => target::images(&site, to).await?,
        other => other?,
    };
    let (settings, _) = kubelet::look(&site).await;
    images::of(&site, wanted, &settings, Ask::NodeOnly).await
}

/// The images of the target, with the registry's answers. Without a list of the target's own kubeadm, what the node knows counts.
async fn images_of_plan(
    site: &Site<'_>,
    to: KubeVersion,
    listed: Option<Seen<Vec<String>>>,
    kubelet: &Seen<KubeletSettings>,
) -> Seen<ImagesState> {
    let wanted = match listed {
        Some(Ok(list)) => list,
        Some(Err(why)) => images::local(site, to).await.map_err(|_| why)?,
        None => images::local(site, to).await.map_err(whole)?,
    };
    images::of(site, wanted, kubelet, Ask::Registry).await.map_err(whole)
}

/// Certificates alone: those of Kubernetes and etcd, and those in `more` (podlift's own). Only files are read.
pub fn certificates(node: Surveyed<'_>, more: &[PathBuf]) -> CertificatesState {
    let site = site(node);
    let (mut certificates, mut strange) = certificates::look(&site);
    let (own, unread) = certificates::of(&site, more.iter().map(|path| path.display().to_string()));
    certificates.extend(own);
    strange.extend(unread);
    CertificatesState { certificates, unreadable: strange.into_iter().collect() }
}

/// Mounts and InfiniBand devices alone.
pub fn devices(node: Surveyed<'_>) -> DevicesState {
    let site = site(node);
    DevicesState {
        mounts: mountinfo::read(&site).map(|table| mounts::of(&table)),
        infiniband: infiniband::look(&site),
    }
}

pub async fn survey(node: Surveyed<'_>, to: KubeVersion) -> NodeSurvey {
    let site = site(node);
    let mut unseen = Unseen::default();
    let (automation, containerd, dpkg_audit, (kubelet, flags_unknown), target) = tokio::join!(
        automation::look(&site),
        containerd::look(&site),
        dpkg_audit::look(&site),
        kubelet::look(&site),
        target::look(&site, to)
    );
    let images = images_of_plan(&site, to, target.images, &kubelet).await;
    unseen.0.extend(flags_unknown.map(|why| (part::KUBELET_FLAGS.to_string(), why)));
    let table = mountinfo::read(&site);
    let foreign = sources::foreign(site.files()).map_err(|e| e.to_string());
    NodeSurvey {
        etcd: etcd::look(&site),
        external_ca: external_ca::look(&site),
        foreign_sources: unseen.or_default(part::FOREIGN_SOURCES, foreign),
        kubeconfigs: certificates::trust::look(&site, node.host.clock.now()),
        names: Some(names::look(&site, kubelet.as_ref().ok())),
        patch_folders: unseen.or_default(part::PATCH_FOLDERS, patch_folders::look(&site)),
        disks: unseen.or_default(part::DISKS, disks::look(&site, table.as_deref().unwrap_or_default())),
        certificates: unseen.each("certificate", certificates::look(&site)),
        other_manifests: unseen.or_default(part::OTHER_MANIFESTS, other_manifests::look(&site)),
        automation: unseen.or_default(part::AUTOMATION, automation),
        containerd: unseen.or_default(part::CONTAINERD, containerd),
        kubelet,
        install: target.install,
        target_diff: target.diff,
        extras: unseen.each("environment, volumes and containers of", extras::look(&site)),
        images,
        mounts: unseen.or_default(part::MOUNTS, table.map(|table| mounts::of(&table))),
        infiniband: unseen.or_default(part::INFINIBAND, infiniband::look(&site)),
        dpkg_audit,
        unseen: unseen.0,
    }
}

/// Whether at least one manifest exists.
fn has_manifests(files: &dyn Files) -> bool {
    Component::ALL.iter().any(|c| files.stat(&paths::manifest(*c)).is_ok())
}

/// The failure in one line, for people.
fn why(failure: Failure) -> String {
    failure.message
}
