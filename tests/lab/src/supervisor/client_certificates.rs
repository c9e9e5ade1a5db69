//! Client certificates at an API server, as the real one takes them: any is let in by TLS, and who shows one that its CA did not sign is
//! refused with 401 whatever anonymous requests may do (`pkg/kubeapiserver/authenticator`, union that fails on error).

use rustls::RootCertStore;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, UnixTime, pem::PemObject as _};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::sync::Arc;

/// Knows the CA; `shown` judges.
#[derive(Debug, Clone)]
pub struct ClientCa(Arc<dyn ClientCertVerifier>);

impl ClientCa {
    pub fn of(ca: &str) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes())?)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        Ok(Self(verifier.allow_unauthenticated().build()?))
    }

    /// For the server's configuration.
    pub fn any(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::new(AnyShown(self.0.clone()))
    }

    /// What the client showed: nothing, or a certificate that is ours or not.
    pub fn shown(&self, chain: Option<&[CertificateDer<'_>]>) -> Option<bool> {
        let (own, rest) = chain?.split_first()?;
        Some(self.0.verify_client_cert(own, rest, UnixTime::now()).is_ok())
    }
}

/// Asks for a certificate, and takes every one.
#[derive(Debug)]
struct AnyShown(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for AnyShown {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
#[path = "client_certificates_tests.rs"]
mod tests;
