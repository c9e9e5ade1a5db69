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
    assert_eq!(seen.not_before, "2019-01-01T00:00:00Z".parse().ok());
    assert!(!seen.issuer.is_empty() && seen.chain.is_empty(), "{} {:?}", seen.issuer, seen.chain);
}

/// Answers each connection in the way of a test.
async fn answering(how: fn(std::net::TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let tcp = tcp.into_std().unwrap();
            tcp.set_nonblocking(false).unwrap();
            tokio::task::spawn_blocking(move || how(tcp));
        }
    });
    address
}

#[tokio::test]
async fn what_answers_instead_of_tls_is_told_by_the_first_word() {
    use std::io::{Read as _, Write as _};
    let look = Handshake::new(Duration::from_secs(10));
    let http = answering(|mut tcp| {
        let mut hello = [0; 64];
        drop(tcp.read(&mut hello));
        drop(tcp.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"));
    });
    let closes = answering(|mut tcp| {
        let mut hello = [0; 64];
        drop(tcp.read(&mut hello));
    });
    for (address, want) in [(http.await, NOT_TLS), (closes.await, RESET)] {
        let why = look.served(&address, "runai.example").await.unwrap_err();
        assert!(why.starts_with(want), "{why}");
    }
}

#[tokio::test]
async fn a_page_is_asked_for_over_tls() {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["runai.example".into()]).unwrap().self_signed(&key).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (tcp, _) = listener.accept().await.unwrap();
        let mut tls = TlsAcceptor::from(Arc::new(config)).accept(tcp).await.unwrap();
        let mut request = vec![0; 1024];
        let read = tls.read(&mut request).await.unwrap();
        assert!(String::from_utf8_lossy(&request[..read]).contains("host: runai.example"));
        let body = "<html><title>Run:ai</title>";
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        tls.write_all(head.as_bytes()).await.unwrap();
        tls.shutdown().await.unwrap();
    });
    let page =
        Handshake::new(Duration::from_secs(10)).page(&address, "runai.example").await.unwrap().unwrap();
    assert_eq!((page.status, page.title.as_str()), (200, "Run:ai"));
}

#[tokio::test]
async fn nobody_there_and_somebody_silent_are_told_apart() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let look = Handshake::new(Duration::from_millis(200));
    let late = look.served(&address, "runai.example").await.unwrap_err();
    drop(silent);
    let refused = look.served(&address, "runai.example").await.unwrap_err();
    assert!(late.starts_with("no-answer: no handshake within 0.2 s"), "{late}");
    assert!(refused.starts_with("refused:"), "{refused}");
}
