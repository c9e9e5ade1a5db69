//! Accepts any certificate, on the loopback only: a process that may listen there is on this node already.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use std::net::IpAddr;

#[derive(Debug)]
pub struct AnyOnLoopback(WebPkiSupportedAlgorithms);

impl AnyOnLoopback {
    /// Fails for an address that is not on the loopback.
    pub fn of(host: &str) -> Result<Self, String> {
        match host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()) {
            true => Ok(Self(aws_lc_rs::default_provider().signature_verification_algorithms)),
            false => Err(format!("{host} is not on the loopback: its certificate must be checked")),
        }
    }
}

impl ServerCertVerifier for AnyOnLoopback {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
