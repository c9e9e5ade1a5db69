//! The lab cluster's own certificates: a CA and one server certificate for every API server and the proxy. (podlift's own are made by
//! `podlift_common::tls::ca`.)

use crate::world::certificates::Pair;
use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::IpAddr;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

pub struct ClusterPki {
    /// PEM.
    pub ca: String,
    pub acceptor: TlsAcceptor,
}

pub fn make(addresses: &[IpAddr]) -> anyhow::Result<ClusterPki> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "kubernetes");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let ca = params.self_signed(&key)?.pem();
    let issuer = Issuer::from_ca_cert_pem(&ca, key)?;
    let mut params = CertificateParams::new(vec!["kubernetes.default.svc".to_string()])?;
    params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    params.subject_alt_names.extend(addresses.iter().map(|a| SanType::IpAddress(*a)));
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    let pair = Pair { certificate: certificate.pem(), key: key.serialize_pem() };
    Ok(ClusterPki { ca, acceptor: TlsAcceptor::from(Arc::new(server(&pair)?)) })
}

/// A certificate for one name (with a star in front, if need be), and a server that shows it.
pub fn served(name: &str) -> anyhow::Result<(Pair, ServerConfig)> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![name.to_string()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    let pair = Pair { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() };
    let config = server(&pair)?;
    Ok((pair, config))
}

fn server(pair: &Pair) -> anyhow::Result<ServerConfig> {
    let chain =
        vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).context("server certificate")?];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).context("server key")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
