//! Reads which certificate a server presents, and does not judge it: the caller looks for expired and foreign ones. Besides the request for
//! a page (`page.rs`), nothing is sent over such a connection.

use async_trait::async_trait;
use jiff::Timestamp;
use podlift_engine::survey::{Certificate, Link, PageView};
use podlift_model::Digest;
use podlift_model::survey::Seen;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

#[async_trait]
pub trait Certificates: Send + Sync {
    /// The certificate that `address` (host:port) presents to a client that asks for `name`.
    async fn served(&self, address: &str, name: &str) -> Seen<Certificate>;

    /// The page that `address` serves for `name`; `None` if this reader asks for no page.
    async fn page(&self, _address: &str, _name: &str) -> Option<Seen<PageView>> {
        None
    }
}

/// Reads certificates by a TLS handshake.
pub struct Handshake {
    timeout: Duration,
}

impl Handshake {
    pub fn new(timeout: Duration) -> Self {
        Self { timeout }
    }

    async fn within<T>(&self, asked: impl Future<Output = Seen<T>>) -> Seen<T> {
        let late = |_| Err(format!("{NO_ANSWER} no handshake within {} s", self.timeout.as_secs_f32()));
        tokio::time::timeout(self.timeout, asked).await.unwrap_or_else(late)
    }
}

/// How the reason of a failure begins.
const REFUSED: &str = "refused:";
const RESET: &str = "reset:";
const NO_ANSWER: &str = "no-answer:";
const NOT_TLS: &str = "not-tls:";

async fn ask(address: &str, name: &str) -> Seen<Certificate> {
    let stream = connected(address, name).await?;
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let (leaf, above) = chain.split_first().ok_or(format!("{NOT_TLS} it serves no certificate"))?;
    let mut certificate = read(leaf)?;
    // A link that can't be read does not hide the certificate itself.
    certificate.chain = above.iter().filter_map(|der| link(der).ok()).collect();
    Ok(certificate)
}

/// A connection whose certificate was not judged. An empty name asks for none.
pub(super) async fn connected(address: &str, name: &str) -> Seen<TlsStream<TcpStream>> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    // TLS sends no IP address as a name.
    let asked = if name.is_empty() { host } else { name };
    let asked = ServerName::try_from(asked.to_string())
        .map_err(|e| format!("{asked:?} is no name of a server: {e}"))?;
    let tcp = TcpStream::connect(address).await.map_err(|e| reason(&e))?;
    let connector = connector().map_err(|e| e.to_string())?;
    connector.connect(asked, tcp).await.map_err(|e| reason(&e))
}

/// What went wrong, in a word that other code reads, and in the words of the error.
fn reason(error: &std::io::Error) -> String {
    let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let kind = match (of_tls, error.kind()) {
        // Whatever answers speaks another protocol: a plain HTTP server, a database.
        (Some(rustls::Error::InvalidMessage(_)), _) => NOT_TLS,
        (Some(_), _) => RESET,
        (None, ErrorKind::ConnectionRefused) => REFUSED,
        (
            None,
            ErrorKind::ConnectionReset
            | ErrorKind::UnexpectedEof
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted,
        ) => RESET,
        (None, _) => NO_ANSWER,
    };
    format!("{kind} {error}")
}

#[async_trait]
impl Certificates for Handshake {
    async fn served(&self, address: &str, name: &str) -> Seen<Certificate> {
        self.within(ask(address, name)).await
    }

    async fn page(&self, address: &str, name: &str) -> Option<Seen<PageView>> {
        Some(self.within(super::page::read(address, name)).await)
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
    let times = x509.validity();
    let at = |seconds: i64| Timestamp::from_second(seconds).map_err(|e| unreadable(&e));
    Ok(Certificate {
        subject: x509.subject().to_string(),
        names: names.collect(),
        fingerprint: Digest::of(der.as_ref()).to_string(),
        not_after: at(times.not_after.timestamp())?,
        issuer: x509.issuer().to_string(),
        not_before: Some(at(times.not_before.timestamp())?),
        chain: vec![],
    })
}

fn link(der: &CertificateDer<'_>) -> Seen<Link> {
    let (_, x509) = X509Certificate::from_der(der).map_err(|e| e.to_string())?;
    Ok(Link {
        subject: x509.subject().to_string(),
        issuer: x509.issuer().to_string(),
        fingerprint: Digest::of(der.as_ref()).to_string(),
        not_after: Timestamp::from_second(x509.validity().not_after.timestamp())
            .map_err(|e| e.to_string())?,
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
