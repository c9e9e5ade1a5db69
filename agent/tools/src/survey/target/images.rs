//! The target's images, as its own kubeadm lists them with the registry of the live manifest, and which of them this node has already.

use super::super::Site;
use crate::crictl;
use crate::kubeadm::{self, Binary};
use podlift_heal::manifest::Manifest;
use podlift_host::paths;
use podlift_model::images::{ImageRole, ImagesState, NeededImage};
use podlift_model::op::Component;
use podlift_model::{Failure, KubeVersion};
use std::path::Path;

pub async fn of(site: &Site<'_>, to: KubeVersion) -> Result<ImagesState, Failure> {
    let registry = registry(site);
    let wanted = kubeadm::images(&site.host, Binary::Unpacked, to, registry.as_deref()).await?;
    let here = crictl::images(&site.host).await?;
    let local_etcd = site.there(&format!("{}/etcd.yaml", paths::MANIFESTS));
    let wanted = wanted.into_iter().filter(|image| local_etcd || !image.contains("/etcd:"));
    let needed = |image: String| NeededImage {
        role: ImageRole::of(&image),
        present: here.contains(&image),
        image,
        pinned: false,
        pull: None,
    };
    Ok(ImagesState { needed: wanted.map(needed).collect(), filesystem: Err("it was not looked at".into()) })
}

/// The registry; `None` for kubeadm's own.
fn registry(site: &Site<'_>) -> Option<String> {
    let component = Component::KubeApiserver;
    let bytes = site.files().read(Path::new(&paths::manifest(component))).ok()?;
    Manifest::parse(component, &bytes).ok()?.registry().map(String::from)
}
