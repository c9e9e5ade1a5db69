//! Images of the target that this node needs: whether the runtime has them, whether the kubelet's garbage collection may remove them, and
//! whether the registry has those that are not on the node. A control-plane node needs what the target's kubeadm lists, a worker
//! kube-proxy, and each node the image in which its runtime starts pods.

mod filesystem;
mod list;
mod overrides;
mod registry;
mod runtime;

pub(super) use list::by as list_by;

use super::{Site, kubelet, whole};
use crate::crictl;
use podlift_model::images::{ImageRole, ImagesState, NeededImage};
use podlift_model::survey::{KubeletSettings, Seen};
use podlift_model::{Failure, KubeVersion};
use runtime::Settings;

/// Whether the registry is asked for images that are not on the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    Registry,
    NodeOnly,
}

/// The state with a list that is found on the node. Fails if the node has no kubeadm of the target and no list of it.
pub(super) async fn look(site: &Site<'_>, to: KubeVersion) -> Result<ImagesState, Failure> {
    let wanted = local(site, to).await?;
    let (settings, _) = kubelet::look(site).await;
    of(site, wanted, &settings, Ask::NodeOnly).await
}

/// Images of Kubernetes that this node needs, by what is on the node.
pub(super) async fn local(site: &Site<'_>, to: KubeVersion) -> Result<Vec<String>, Failure> {
    match site.control_plane {
        true => list::local(site, to).await,
        false => Ok(list::of_worker(site, to).await?.into_iter().collect()),
    }
}

/// The state of these images and of the sandbox image.
pub(super) async fn of(
    site: &Site<'_>,
    wanted: Vec<String>,
    kubelet: &Seen<KubeletSettings>,
    ask: Ask,
) -> Result<ImagesState, Failure> {
    let here = crictl::images(&site.host).await?;
    let info = crictl::info(&site.host).await.unwrap_or_default();
    let settings = runtime::look(site, &info).await;
    let mut unseen = Vec::new();
    let mut needed: Vec<NeededImage> = wanted.into_iter().map(|image| of_role(image, None)).collect();
    match settings.as_ref().map(|s| s.sandbox.clone()) {
        Ok(Some(image)) => {
            needed.retain(|known| known.image != image);
            needed.push(of_role(image, Some(ImageRole::Sandbox)));
        }
        Ok(None) => unseen.push("the sandbox image: containerd's configuration does not name it".into()),
        Err(why) => unseen.push(format!("the sandbox image: {why}")),
    }
    for image in &mut needed {
        image.present = here.contains_key(&image.image);
        image.pinned = here.get(&image.image).copied().unwrap_or(false);
    }
    if ask == Ask::Registry {
        let reach = settings.unwrap_or_else(|_| Settings::default());
        registry::ask(site, &mut needed, &reach).await;
    }
    let filesystem = filesystem::look(site, kubelet, info.root.as_deref()).await.map_err(whole);
    Ok(ImagesState { needed, filesystem, unseen })
}

fn of_role(image: String, role: Option<ImageRole>) -> NeededImage {
    let role = role.unwrap_or_else(|| ImageRole::of(&image));
    NeededImage { image, role, present: false, pinned: false, pull: None }
}

#[cfg(test)]
mod tests;
