//! Certificate files of one process: read, checked against each other, and converted to rustls roots, chain and key.

use super::{Identity, IdentityError};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {path}: {source}; `podlift cert issue` makes it", path = path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} holds no usable {what}: {why}", path = path.display())]
    Pem { path: PathBuf, what: &'static str, why: String },
    #[error("{path}: {source}", path = path.display())]
    Identity { path: PathBuf, source: IdentityError },
    #[error(
        "certificate and key do not fit each other or the CA: {0}; issue them again with `podlift cert issue`"
    )]
    Mismatch(rustls::Error),
    #[error("cannot make a certificate: {0}")]
    Make(String),
}

/// What a process needs to speak mTLS.
#[derive(Clone)]
pub struct Material {
    pub roots: Arc<RootCertStore>,
    pub chain: Vec<CertificateDer<'static>>,
    pub key: Arc<PrivateKeyDer<'static>>,
    /// The identity of this process.
    pub identity: Identity,
}

impl Material {
    /// Reads PEM files.
    pub fn load(ca: &Path, certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let roots = roots(ca)?;
        let chain = certificates(certificate)?;
        let pem = read(key)?;
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|e| TlsError::Pem {
            path: key.into(),
            what: "private key",
            why: e.to_string(),
        })?;
        let identity = Identity::of_certificate(&chain[0])
            .map_err(|source| TlsError::Identity { path: certificate.into(), source })?;
        let material = Self { roots: Arc::new(roots), chain, key: Arc::new(key), identity };
        // rustls compares the key with the certificate here, so that a mismatch fails at the start and not at the first handshake.
        super::client::config(&material, None).map_err(TlsError::Mismatch)?;
        Ok(material)
    }
}

/// Reads a CA bundle.
pub fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        let why = |e: rustls::Error| TlsError::Pem {
            path: path.into(),
            what: "CA certificate",
            why: e.to_string(),
        };
        store.add(certificate).map_err(why)?;
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bad = |why: String| TlsError::Pem { path: path.into(), what: "certificate", why };
    let pem = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let all = all.map_err(|e| bad(e.to_string()))?;
    if all.is_empty() { Err(bad("no PEM block".into())) } else { Ok(all) }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    crate::durable::read(path).map_err(|source| TlsError::Read { path: path.into(), source })
}
