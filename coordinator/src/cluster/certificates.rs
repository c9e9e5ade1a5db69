//! Reads which certificate a server presents, and does not judge it: the caller looks for expired and foreign ones. Nothing is ever sent
//! over such a connection.

use async_trait::async_trait;
use jiff::Timestamp;
use podlift_engine::survey::Certificate;
use podlift_model::Digest;
use podlift_model::survey::Seen;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

#[async_trait]
pub trait Certificates: Send + Sync {
    /// The certificate that `address` (host:port) presents to a client that asks for `name`.
    async fn served(&self, address: &str, name: &str) -> Seen<Certificate>;
}

/// Reads certificates by a TLS handshake.
pub struct Handshake {
    timeout: Duration,
}

impl Handshake {
    pub fn new(timeout: Duration) -> Self {
        Self { timeout }
    }

    async fn ask(&self, address: &str, name: &str) -> Seen<Certificate> {
        let text = |e: &dyn std::error::Error| e.to_string();
        let name = ServerName::try_from(name.to_string()).map_err(|e| text(&e))?;
        let tcp = TcpStream::connect(address).await.map_err(|e| text(&e))?;
        let stream = connector().map_err(|e| text(&e))?.connect(name, tcp).await.map_err(|e| text(&e))?;
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        read(chain.first().ok_or("it serves none")?)
    }
}

#[async_trait]
impl Certificates for Handshake {
    async fn served(&self, address: &str, name: &str) -> Seen<Certificate> {
        let late = |_| Err(format!("no handshake within {} s", self.timeout.as_secs_f32()));
        tokio::time::timeout(self.timeout, self.ask(address, name)).await.unwrap_or_else(late)
    }
}

fn connector() -> Result<TlsConnector, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unjudged(provider)))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Parses the leaf certificate.
fn read(der: &CertificateDer<'_>) -> Seen<Certificate> {
    let unreadable = |e: &dyn std::error::Error| format!("its certificate can't be read: {e}");
    let (_, x509) = X509Certificate::from_der(der).map_err(|e| unreadable(&e))?;
    let alternatives = x509.subject_alternative_name().map_err(|e| unreadable(&e))?;
    let names = alternatives.iter().flat_map(|a| &a.value.general_names).filter_map(name);
    let not_after = x509.validity().not_after.timestamp();
    Ok(Certificate {
        subject: x509.subject().to_string(),
        names: names.collect(),
        fingerprint: Digest::of(der.as_ref()).to_string(),
        not_after: Timestamp::from_second(not_after).map_err(|e| unreadable(&e))?,
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_string()),
        GeneralName::IPAddress(bytes) => match *bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|b| std::net::Ipv6Addr::from(b).to_string()),
        },
        _ => None,
    }
}

/// Accepts any certificate. It still verifies that the server holds its key.
#[derive(Debug)]
struct Unjudged(Arc<CryptoProvider>);

impl ServerCertVerifier for Unjudged {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            leaf,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            leaf,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[path = "certificates_tests.rs"]
mod tests;
