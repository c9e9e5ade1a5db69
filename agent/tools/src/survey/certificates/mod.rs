//! Certificates that Kubernetes and etcd use on this node, with their ends of validity: those in the manifests' flags and in the kubelet's
//! configuration, kubeadm's own beside them, and those inside kubeconfigs. Only the certificates of a file are read, never a key.

mod files;
mod kubeconfig;
pub mod pem;
pub mod trust;

use super::Site;
use podlift_model::survey::CertificateFacts;
use std::path::Path;

/// Certificates, and for each file that could not be read the reason.
pub type Found = (Vec<CertificateFacts>, Vec<(String, String)>);

/// The certificates of Kubernetes and etcd.
pub fn look(site: &Site<'_>) -> Found {
    let (all, unlisted) = files::all(site);
    let (facts, mut strange) = of(site, all);
    strange.splice(0..0, unlisted);
    (facts, strange)
}

/// The certificates in these files. A file that does not exist has none.
pub fn of(site: &Site<'_>, paths: impl IntoIterator<Item = String>) -> Found {
    let (mut facts, mut strange) = (Vec::new(), Vec::new());
    for path in paths {
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
