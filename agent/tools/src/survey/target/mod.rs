//! The effects of the target's packages on this node: apt's preview, and on a control-plane node the answers of the target's own kubeadm,
//! which is unpacked in the private root and never installed.

mod fetched;
mod preview;

use super::images::list_by;
use super::{Site, whole, why};
use crate::apt_root::{self, AptRoot};
use crate::kubeadm::{self, Binary};
use fetched::Fetched;
use podlift_model::flags::FlagChange;
use podlift_model::survey::{InstallPreview, Seen};
use podlift_model::{Failure, KubeVersion, codes};

pub struct Target {
    pub install: Seen<InstallPreview>,
    /// `None` on a worker.
    pub diff: Option<Seen<Vec<FlagChange>>>,
    /// Names of the target's images; `None` on a worker.
    pub images: Option<Seen<Vec<String>>>,
}

pub async fn look(site: &Site<'_>, to: KubeVersion) -> Target {
    let root = match apt_root::fresh(site.node.apt_root, &site.host, to).await {
        Ok(root) => root,
        Err(e) => return unseen(site, &whole(e)),
    };
    let install = preview::of(site, &root, to).await;
    if !site.control_plane {
        return Target { install, diff: None, images: None };
    }
    let (diff, images) = match fetched::fetch(site, &root, to).await {
        Ok(fetched) => ask(site, fetched, to).await,
        Err(e) => {
            let why = whole(e);
            (Err(why.clone()), Err(why))
        }
    };
    Target { install, diff: Some(diff), images: Some(images) }
}

async fn ask(
    site: &Site<'_>,
    fetched: Fetched<'_>,
    to: KubeVersion,
) -> (Seen<Vec<FlagChange>>, Seen<Vec<String>>) {
    let seen = (
        kubeadm::diff(&site.host, Binary::Unpacked, to).await.map_err(whole),
        list_by(site, Binary::Unpacked, to).await.map_err(whole),
    );
    drop(fetched);
    seen
}

fn unseen(site: &Site<'_>, why: &str) -> Target {
    let unseen = || why.to_string();
    Target {
        install: Err(unseen()),
        diff: site.control_plane.then(|| Err(unseen())),
        images: site.control_plane.then(|| Err(unseen())),
    }
}

/// The list of a kubeadm that is downloaded for it.
pub async fn images(site: &Site<'_>, to: KubeVersion) -> Result<Vec<String>, Failure> {
    let root = apt_root::fresh(site.node.apt_root, &site.host, to).await?;
    let fetched = fetched::fetch(site, &root, to).await?;
    let list = list_by(site, Binary::Unpacked, to).await;
    drop(fetched);
    list
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
