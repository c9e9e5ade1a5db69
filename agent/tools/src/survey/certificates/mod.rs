//! Certificates that Kubernetes and etcd use on this node, with their ends of validity: those in the manifests' flags and in the kubelet's
//! configuration, kubeadm's own beside them, and those inside kubeconfigs. Only the certificates of a file are read, never a key.

mod files;
mod kubeconfig;
pub mod pem;
pub mod trust;

use super::Site;
use podlift_model::survey::CertificateFacts;
use std::path::Path;

/// The certificates; and for each file that could not be read, the reason.
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
