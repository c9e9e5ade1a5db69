//! The client certificates within a kubeconfig.

use super::super::kubeconfig::Kubeconfig;
use super::pem;
use podlift_model::survey::CertificateFacts;

/// The certificates, empty if the user has none inside the file; and why they could not be read.
pub fn certificates(bytes: &[u8], path: &str) -> (Vec<CertificateFacts>, Option<String>) {
    let inline = Kubeconfig::read(bytes).and_then(|config| config.user().map_or(Ok(None), |u| u.inline()));
    match inline {
        Ok(Some(bytes)) => pem::all(&bytes, path),
        Ok(None) => (Vec::new(), None),
        Err(why) => (Vec::new(), Some(why)),
    }
}
