//! The effects of `apt-get install` of the exact versions, with their dependencies, and the size of the download.

use super::super::{Site, whole};
use super::{pin, refusal};
use crate::apt::{self, preview};
use crate::apt_root::AptRoot;
use crate::{must, run};
use podlift_model::op::Package;
use podlift_model::survey::{InstallPreview, Seen};
use podlift_model::{Failure, KubeVersion};

const WANTED: [Package; 3] = [Package::Kubeadm, Package::Kubelet, Package::Kubectl];

pub async fn of(site: &Site<'_>, root: &AptRoot<'_>, to: KubeVersion) -> Seen<InstallPreview> {
    let offers = root.offers.clone();
    let pins: Vec<_> = WANTED.into_iter().filter_map(|p| pin(root, p, to)).collect();
    if pins.is_empty() {
        return Ok(InstallPreview { offers, ..InstallPreview::default() });
    }
    let output = run(&site.host, &apt::simulate(root.list, &pins)).await.map_err(whole)?;
    if !output.success() {
        let failure = judged(&output.stdout, &output.stderr, output.code);
        return match refusal(&failure) {
            Some(refused) => {
                Ok(InstallPreview { refused: Some(refused), offers, ..InstallPreview::default() })
            }
            None => Err(whole(failure)),
        };
    }
    let (install, remove) = preview::simulation(&output.stdout);
    let uris = must(&site.host, &apt::uris(root.list, &pins)).await.map_err(whole)?;
    Ok(InstallPreview { install, remove, refused: None, offers, download_bytes: preview::bytes(&uris) })
}

fn judged(stdout: &str, stderr: &str, code: i32) -> Failure {
    apt::judge(&format!("{stdout}{stderr}"), &format!("exited {code}"))
}
