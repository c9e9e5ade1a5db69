//! The lab cluster's own certificates: a CA and one server certificate for every API server and the proxy. (podlift's own are made by
//! `podlift_common::tls::ca`.)

use super::client_certificates::ClientCa;
use crate::world::World;
use crate::world::certificates::Pair;
use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

pub struct ClusterPki {
    /// PEM.
    pub ca: String,
    pub tls: ClusterTls,
    issuer: Issuer<'static, KeyPair>,
}

/// How API servers meet their clients.
#[derive(Clone)]
pub struct ClusterTls {
    pub acceptor: TlsAcceptor,
    pub clients: ClientCa,
}

impl ClusterPki {
    /// A client's pair, signed by the cluster's CA.
    pub fn client(&self, name: &str, group: &str) -> anyhow::Result<Pair> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, group);
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = rcgen::date_time_ymd(2036, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// What a control-plane node asks its own API server with: the kubelet's pair and the API server's for kubelets.
    pub fn put_clients(&self, world: &World, node: &str) -> anyhow::Result<()> {
        let put = |path: &str, text: &str| {
            let written = world.disk(node).put_synced(Path::new(path), text.as_bytes(), 0o600);
            written.with_context(|| format!("{path} of {node}"))
        };
        let kubelet = self.client(&format!("system:node:{node}"), "system:nodes")?;
        put("/var/lib/kubelet/pki/kubelet-client-current.pem", &(kubelet.certificate + &kubelet.key))?;
        let server = self.client("kube-apiserver-kubelet-client", "kubeadm:cluster-admins")?;
        let pki = format!("/etc/kubernetes/pki/{}", world.shape.cluster);
        put(&format!("{pki}/apiserver-kubelet-client.crt"), &server.certificate)?;
        put(&format!("{pki}/apiserver-kubelet-client.key"), &server.key)
    }
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
    let clients = ClientCa::of(&ca)?;
    let acceptor = TlsAcceptor::from(Arc::new(server(&pair, Some(&clients))?));
    Ok(ClusterPki { ca, tls: ClusterTls { acceptor, clients }, issuer })
}

/// A certificate for one name (with a star in front, if need be), and a server that shows it.
pub fn served(name: &str) -> anyhow::Result<(Pair, ServerConfig)> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![name.to_string()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    let pair = Pair { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() };
    let config = server(&pair, None)?;
    Ok((pair, config))
}

/// A server that presents this pair, with whatever is behind its certificate.
pub fn presenting(pair: &Pair) -> anyhow::Result<ServerConfig> {
    server(pair, None)
}

fn server(pair: &Pair, clients: Option<&ClientCa>) -> anyhow::Result<ServerConfig> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pair.certificate.as_bytes()).collect();
    let chain = chain.context("server certificate")?;
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).context("server key")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(clients.any()),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
