//! The target's kubeadm as a file in the private root. apt downloads it and checks it against the signed index; dpkg-deb unpacks it without
//! running its scripts. The unpacked file is removed after use; the package stays for the next survey.

use super::super::Site;
use super::pin;
use crate::apt_root::AptRoot;
use crate::files::{file_failure, free_space};
use crate::kubeadm::{self, Binary};
use crate::{apt, dpkg, must};
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::op::{Package, PackagePin};
use podlift_model::{Failure, KubeVersion, codes};
use std::path::{Path, PathBuf};

/// The unpacked kubeadm, until it is dropped.
pub struct Fetched<'a>(&'a dyn Files);

impl Drop for Fetched<'_> {
    fn drop(&mut self) {
        if let Err(error) = clear(self.0) {
            tracing::warn!(code = error.code, "the unpacked kubeadm stays where it is: {}", error.message);
        }
    }
}

pub async fn fetch<'a>(
    site: &'a Site<'_>,
    root: &AptRoot<'_>,
    to: KubeVersion,
) -> Result<Fetched<'a>, Failure> {
    let pin = pin(root, Package::Kubeadm, to).ok_or_else(|| {
        let message =
            format!("the repository has no kubeadm {to}; mirror it, or plan with a version that is there");
        Failure::operator(codes::PACKAGE_VERSION_MISSING, message)
    })?;
    free_space(site.files(), site.node.free_bytes)?;
    let package = package(site, root, &pin).await?;
    clear(site.files())?;
    let fetched = Fetched(site.files());
    dpkg::unpack(&site.host, &package, paths::UNPACKED).await?;
    let said = kubeadm::version(&site.host, Binary::Unpacked).await?;
    if said != to.to_string() {
        let message = format!(
            "the package kubeadm {} holds a kubeadm that calls itself {said}; look at the mirror",
            pin.version
        );
        return Err(Failure::operator("package-strange", message));
    }
    Ok(fetched)
}

/// The package's file. Packages of other versions are removed.
async fn package(site: &Site<'_>, root: &AptRoot<'_>, pin: &PackagePin) -> Result<PathBuf, Failure> {
    let dir = Path::new(paths::APT_PROBE_DEBS);
    let start = format!("{}_{}_", pin.package, pin.version);
    let list = || site.files().list(dir).map_err(|e| file_failure(dir, &e));
    for old in list()?.into_iter().filter(|n| n.ends_with(".deb") && !n.starts_with(&start)) {
        let path = dir.join(old);
        site.files().remove(&path).map_err(|e| file_failure(&path, &e))?;
    }
    must(&site.host, &apt::fetch(root.list, pin)).await.map_err(|e| apt::judge(&e.detail, &e.message))?;
    let name = list()?.into_iter().find(|n| n.starts_with(&start) && n.ends_with(".deb"));
    let missing = || {
        let message = format!("apt-get download ended well, and no {start}*.deb is in {}", dir.display());
        Failure::operator("package-missing", message)
    };
    name.map(|n| dir.join(n)).ok_or_else(missing)
}

fn clear(files: &dyn Files) -> Result<(), Failure> {
    let dir = Path::new(paths::UNPACKED);
    files.remove_tree(dir).map_err(|e| file_failure(dir, &e))
}
