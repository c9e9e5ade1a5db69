//! CMDaemon's JSON API on an address: TLS that lets only clients in whose certificate its own CA has signed.

use crate::doubles::bcm::api;
use crate::world::World;
use crate::world::certificates::Pair;
use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// PEM of the CA and of an administrator's pair, and what the server needs.
pub struct Cmdaemon {
    pub ca: String,
    pub client: Pair,
    tls: TlsAcceptor,
}

impl Cmdaemon {
    /// A server that is known by this address.
    pub fn new(address: IpAddr) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = named("CMDaemon");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let ca = params.self_signed(&key)?.pem();
        let issuer = Issuer::from_ca_cert_pem(&ca, key)?;
        let mut server = named("head-01");
        server.subject_alt_names.push(SanType::IpAddress(address));
        let server = signed(server, ExtendedKeyUsagePurpose::ServerAuth, &issuer)?;
        let client = signed(named("podlift"), ExtendedKeyUsagePurpose::ClientAuth, &issuer)?;
        let tls = TlsAcceptor::from(Arc::new(config(&ca, &server)?));
        Ok(Self { ca, client, tls })
    }

    /// Answers for this World until the caller drops the future.
    pub async fn serve(&self, world: Arc<World>, listener: TcpListener) {
        while let Ok((tcp, _)) = listener.accept().await {
            let (world, tls) = (world.clone(), self.tls.clone());
            tokio::spawn(async move {
                // A client without a certificate of the CA gets no further.
                let Ok(stream) = tls.accept(tcp).await else { return };
                let service = service_fn(move |request| answer(world.clone(), request));
                let http = hyper::server::conn::http1::Builder::new();
                // A client that goes away is no error.
                http.serve_connection(TokioIo::new(stream), service).await.ok();
            });
        }
    }
}

async fn answer(world: Arc<World>, request: Request<Incoming>) -> anyhow::Result<Response<Full<Bytes>>> {
    let path = request.uri().path().to_string();
    let body = request.into_body().collect().await?.to_bytes();
    let (status, text) = api::answer(&world, true, &path, &String::from_utf8_lossy(&body));
    let reply = Response::builder().status(status).header("content-type", "application/json");
    reply.body(Full::from(text)).context("an answer")
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    params
}

fn signed(
    mut params: CertificateParams,
    usage: ExtendedKeyUsagePurpose,
    issuer: &Issuer<'_, KeyPair>,
) -> anyhow::Result<Pair> {
    let key = KeyPair::generate()?;
    params.extended_key_usages = vec![usage];
    let certificate = params.signed_by(&key, issuer)?;
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
}

fn config(ca: &str, server: &Pair) -> anyhow::Result<ServerConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build()?;
    let chain = vec![CertificateDer::from_pem_slice(server.certificate.as_bytes())?];
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes())?;
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_client_cert_verifier(clients).with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
