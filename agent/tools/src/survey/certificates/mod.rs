//! Certificates that Kubernetes and etcd work with on this node, and when they end: those that the manifests' flags and the kubelet's
//! configuration name, kubeadm's own beside them, and those within kubeconfigs. Never a key: of a file only certificates are looked at.

mod files;
mod kubeconfig;
pub mod pem;
pub mod trust;

pub use files::newest;

use super::Site;
use podlift_model::survey::CertificateFacts;
use std::path::Path;

/// What was read, and of each file that could not be why.
pub fn look(site: &Site<'_>) -> (Vec<CertificateFacts>, Vec<(String, String)>) {
    let (mut facts, mut strange) = (Vec::new(), Vec::new());
    let (all, unlisted) = files::all(site);
    strange.extend(unlisted);
    for path in all {
        let (found, why) = match site.files().read(Path::new(&path)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => (Vec::new(), Some(e.to_string())),
            Ok(bytes) if path.ends_with(".conf") => kubeconfig::certificates(&bytes, &path),
            Ok(bytes) => pem::all(&bytes, &path),
        };
        facts.extend(found);
        strange.extend(why.map(|why| (path, why)));
    }
    (facts, strange)
}
