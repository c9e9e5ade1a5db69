//! The connecting side: presents our certificate, and accepts only a server that our CA signed and that has the expected identity.

use super::{Identity, Material, Subject};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The server identity to accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Any coordinator of our own cluster.
    Coordinator,
}

/// Connects with mTLS. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    tls: TlsConnector,
}

impl Connector {
    pub fn new(material: &Material, expect: Expect) -> Result<Self, Error> {
        let mut config = config(material, Some(expect))?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    pub async fn connect(&self, to: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(to).await?;
        tcp.set_nodelay(true)?;
        // The verifier checks the identity instead of this name.
        let name = ServerName::IpAddress(to.ip().into());
        self.tls.connect(name, tcp).await
    }
}

pub(super) fn config(material: &Material, expect: Option<Expect>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = IdentityVerifier {
        roots: material.roots.clone(),
        own: material.identity.clone(),
        expect: expect.unwrap_or(Expect::Coordinator),
        provider: provider.clone(),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_auth_cert(material.chain.clone(), material.key.clone_key())?;
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Checks chain, validity and key usage as webpki does, and the SPIFFE identity in place of a host name.
#[derive(Debug)]
struct IdentityVerifier {
    roots: Arc<RootCertStore>,
    own: Identity,
    expect: Expect,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for IdentityVerifier {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms)?;
        let identity =
            Identity::of_certificate(end).map_err(|_| CertificateError::ApplicationVerificationFailure)?;
        let right = match self.expect {
            Expect::Coordinator => matches!(identity.subject, Subject::Coordinator(_)),
        };
        match right && identity.cluster == self.own.cluster {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::NotValidForName.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(m, c, d, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(m, c, d, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
