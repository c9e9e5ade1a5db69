//! Probes a TLS server of this process, which requires a certificate or a token, or is not ready.
#![allow(clippy::disallowed_methods)] // files of the test

use super::*;
use rcgen::{CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

struct Site {
    dir: tempfile::TempDir,
    address: String,
}

/// Answers 200 to a client with a certificate of its CA or the token `t0ken`, and `otherwise` to all others.
async fn serve(otherwise: u16) -> Site {
    let dir = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let leaf = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![name.to_string()]).unwrap().signed_by(&key, &issuer).unwrap();
        (leaf, key)
    };
    let (client, client_key) = leaf("podlift");
    for (name, text) in
        [("ca.crt", ca.pem()), ("client.crt", client.pem()), ("client.key", client_key.serialize_pem())]
    {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let (server, server_key) = leaf("127.0.0.1");
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
            .allow_unauthenticated()
            .build()
            .unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![server.der().clone()],
            rustls::pki_types::PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(tcp).await else { continue };
            let mut asked = vec![0; 4096];
            let n = stream.read(&mut asked).await.unwrap_or(0);
            let asked = String::from_utf8_lossy(&asked[..n]).to_string();
            if asked.contains("watch=1") {
                // A watch that is accepted and brings nothing.
                drop(stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n").await);
                drop(stream.flush().await);
                std::future::pending::<()>().await;
            }
            let known = stream.get_ref().1.peer_certificates().is_some();
            let code = if known || asked.contains("authorization: Bearer t0ken") { 200 } else { otherwise };
            let text = format!("HTTP/1.1 {code} x\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
            drop(stream.write_all(text.as_bytes()).await);
            drop(stream.shutdown().await);
        }
    });
    Site { dir, address }
}

impl Site {
    fn prober(&self) -> HttpsProber {
        let ca = self.dir.path().join("ca.crt");
        HttpsProber::new(&ca, self.address.clone(), Duration::from_secs(10)).unwrap()
    }

    async fn with(&self, user: &str) -> ApiProbe {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: 'https://{}'}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {user}}}]\n",
            self.address
        );
        let path = self.dir.path().join("kubeconfig");
        std::fs::write(&path, text).unwrap();
        let credentials = Credentials::of(&path).await.unwrap();
        self.prober().with_credentials(credentials).unwrap().probe(VIP).await
    }
}

#[tokio::test]
async fn a_server_that_wants_credentials_is_alive_and_never_not_ready() {
    for code in [401, 403] {
        let site = serve(code).await;
        let probe = site.prober().probe(&site.address).await;
        assert!(probe.ok, "{probe:?}");
        assert_eq!(probe.why, format!("alive, wants credentials ({code})"));
    }
}

#[tokio::test]
async fn podlifts_own_certificate_or_token_asks_for_readyz() {
    let site = serve(401).await;
    for user in ["{client-certificate: client.crt, client-key: client.key}", "{token: t0ken}"] {
        let probe = site.with(user).await;
        assert!(probe.ok && probe.why.is_empty(), "{user}: {probe:?}");
    }
    let file = site.dir.path().join("token");
    std::fs::write(&file, "t0ken\n").unwrap();
    let probe = site.with(&format!("{{tokenFile: {}}}", file.display())).await;
    assert!(probe.ok && probe.why.is_empty(), "{probe:?}");
}

#[tokio::test]
async fn a_server_that_is_not_ready_says_so_with_and_without_credentials() {
    let site = serve(500).await;
    let probe = site.prober().probe(&site.address).await;
    assert_eq!((probe.ok, probe.why.as_str()), (false, "500: no"));
}

#[tokio::test]
async fn another_authority_behind_the_address_is_not_alive() {
    let (site, other) = (serve(401).await, serve(401).await);
    let probe = site.prober().probe(&other.address).await;
    assert!(!probe.ok, "{probe:?}");
}

#[tokio::test]
async fn a_server_that_returns_no_object_fails_a_read_although_it_lives() {
    for code in [401, 403, 500] {
        let site = serve(code).await;
        let read = site.prober().read(&site.address).await;
        assert_eq!((read.ok, read.why), (false, format!("{code}: no")));
    }
    let site = serve(200).await;
    let read = site.prober().read(VIP).await;
    assert!(read.ok && read.why.is_empty(), "{read:?}");
}

#[tokio::test]
async fn a_watch_that_brings_nothing_ends_as_silent() {
    let site = serve(200).await;
    let ended = site.prober().watch(&site.address, &tokio::time::pause).await;
    assert_eq!(ended.unwrap_err(), SILENT);
}
