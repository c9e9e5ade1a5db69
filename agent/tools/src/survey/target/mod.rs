//! The effects of the target's packages on this node: apt's preview, and on a control-plane node the answers of the target's own kubeadm,
//! which is unpacked in the private root and never installed.

mod fetched;
mod images;
mod preview;

use super::{Site, whole, why};
use crate::apt_root::{self, AptRoot};
use crate::kubeadm::{self, Binary};
use fetched::Fetched;
use podlift_model::flags::FlagChange;
use podlift_model::images::ImagesState;
use podlift_model::survey::{InstallPreview, Seen};
use podlift_model::{Failure, KubeVersion, codes};

pub struct Target {
    pub install: Seen<InstallPreview>,
    /// `None` on a worker.
    pub diff: Option<Seen<Vec<FlagChange>>>,
    pub images: Seen<ImagesState>,
}

pub async fn look(site: &Site<'_>, to: KubeVersion) -> Target {
    let root = match apt_root::fresh(site.node.apt_root, &site.host, to).await {
        Ok(root) => root,
        Err(e) => return unseen(site, &whole(e)),
    };
    let install = preview::of(site, &root, to).await;
    if !site.control_plane {
        // A worker runs nothing of the control plane, and no image is pulled for it ahead.
        return Target { install, diff: None, images: Ok(none()) };
    }
    let (diff, images) = match fetched::fetch(site, &root, to).await {
        Ok(fetched) => ask(site, fetched, to).await,
        Err(e) => {
            let why = whole(e);
            (Err(why.clone()), Err(why))
        }
    };
    Target { install, diff: Some(diff), images }
}

/// A worker's images.
fn none() -> ImagesState {
    ImagesState { needed: Vec::new(), filesystem: Err("it was not looked at".into()) }
}

async fn ask(
    site: &Site<'_>,
    fetched: Fetched<'_>,
    to: KubeVersion,
) -> (Seen<Vec<FlagChange>>, Seen<ImagesState>) {
    let seen = (
        kubeadm::diff(&site.host, Binary::Unpacked, to).await.map_err(whole),
        images::of(site, to).await.map_err(whole),
    );
    drop(fetched);
    seen
}

fn unseen(site: &Site<'_>, why: &str) -> Target {
    let unseen = || why.to_string();
    Target {
        install: Err(unseen()),
        diff: site.control_plane.then(|| Err(unseen())),
        images: if site.control_plane { Err(unseen()) } else { Ok(none()) },
    }
}

/// apt's refusal; `None` if apt could not be asked.
fn refusal(failure: &Failure) -> Option<String> {
    let asked =
        failure.class != podlift_model::FailureClass::Transient && failure.code != codes::COMMAND_MISSING;
    asked.then(|| {
        format!("{}; the Kubernetes repository and what is installed here were asked", why(failure.clone()))
    })
}

/// The newest revision of a version that the repository offers this node.
fn pin(
    root: &AptRoot<'_>,
    package: podlift_model::op::Package,
    to: KubeVersion,
) -> Option<podlift_model::op::PackagePin> {
    let fits = root.offers.iter().filter(|o| o.package == package && o.version.kube == to);
    let newest = fits.map(|o| &o.version).max()?;
    Some(podlift_model::op::PackagePin { package, version: newest.clone() })
}
