//! Certificates that no client should trust are read all the same.

use super::*;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

async fn serve(names: &[&str]) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    let der = certificate.der().clone();
    let fingerprint = Digest::of(der.as_ref()).to_string();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            drop(TlsAcceptor::from(Arc::new(config.clone())).accept(tcp).await);
        }
    });
    (address, fingerprint)
}

#[tokio::test]
async fn an_expired_certificate_of_another_name_is_read() {
    let (address, fingerprint) = serve(&["other.example", "10.77.0.90"]).await;
    let seen = Handshake::new(Duration::from_secs(10)).served(&address, "runai.example").await.unwrap();
    assert_eq!(
        (seen.fingerprint, seen.names),
        (fingerprint, vec!["other.example".into(), "10.77.0.90".into()])
    );
    assert_eq!(seen.not_after, "2020-01-01T00:00:00Z".parse().unwrap());
}

#[tokio::test]
async fn nobody_there_and_somebody_silent_are_told_apart() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let look = Handshake::new(Duration::from_millis(200));
    let late = look.served(&address, "runai.example").await.unwrap_err();
    drop(silent);
    let refused = look.served(&address, "runai.example").await.unwrap_err();
    assert!(late.contains("no handshake within 0.2 s") && refused.contains("refused"), "{late} / {refused}");
}
