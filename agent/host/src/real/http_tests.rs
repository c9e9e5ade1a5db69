//! A TLS endpoint on the loopback, like an API server.

use super::*;
use podlift_common::tls::ca::{Pair, init, issue};
use podlift_common::tls::{Identity, install_provider};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

fn ca() -> Pair {
    install_provider();
    init(&"c".parse().unwrap(), "2026-11-22T00:00:00Z".parse().unwrap()).unwrap()
}

/// Sends one answer on every connection, with a certificate for `address`; keeps connections open.
async fn serve(ca: &Pair, address: &str) -> String {
    let identity: Identity = "spiffe://podlift/c/coordinator/x".parse().unwrap();
    let now = podlift_common::clock::Clock::now(&podlift_common::clock::SystemClock);
    let leaf = issue(ca, &identity, &[address.parse().unwrap()], 2, now).unwrap();
    let chain = CertificateDer::pem_slice_iter(leaf.certificate.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(tcp).await else { continue };
            let mut request = vec![0; 1024];
            let n = stream.read(&mut request).await.unwrap();
            assert!(request[..n].starts_with(b"GET /readyz?verbose HTTP/1.1\r\n"));
            stream.write_all(b"HTTP/1.1 500 Internal\r\ncontent-length: 10\r\n\r\n[-]etcd no").await.unwrap();
            open.push(stream);
        }
    });
    endpoint
}

#[tokio::test]
async fn status_and_body_over_a_checked_certificate() {
    let (ours, foreign) = (ca(), ca());
    let root = tempfile::tempdir().unwrap();
    podlift_common::durable::write(&root.path().join("etc/ca.crt"), ours.certificate.as_bytes(), 0o600)
        .unwrap();
    let http = RealHttp::new(root.path());
    let get = async |endpoint: &str| http.get(endpoint, "/readyz?verbose", &HttpTls::ca("/etc/ca.crt")).await;
    let right = serve(&ours, "127.0.0.1").await;
    assert_eq!(get(&right).await, Ok((500, "[-]etcd no".into())));
    let elsewhere = get(&serve(&ours, "10.0.0.1").await).await.unwrap_err().to_string();
    assert!(elsewhere.contains("not valid for name"), "{elsewhere}");
    let unknown = get(&serve(&foreign, "127.0.0.1").await).await.unwrap_err().to_string();
    assert!(unknown.contains("invalid peer certificate"), "{unknown}");
    assert!(unknown.contains("certificate of another CA than /etc/ca.crt"), "{unknown}");
    podlift_common::durable::write(&root.path().join("etc/other.crt"), foreign.certificate.as_bytes(), 0o600)
        .unwrap();
    let either =
        || HttpTls::any_of(["/etc/none.crt", "/etc/other.crt", "/etc/ca.crt"].map(Into::into).into());
    for authority in [&ours, &foreign] {
        let endpoint = serve(authority, "127.0.0.1").await;
        assert_eq!(http.get(&endpoint, "/readyz?verbose", &either()).await.unwrap().0, 500);
    }
    let closed = get("127.0.0.1:1").await.unwrap_err().to_string();
    assert!(closed.starts_with("https://127.0.0.1:1/readyz?verbose: "), "{closed}");
    let no_ca =
        http.get(&right, "/readyz?verbose", &HttpTls::ca("/etc/none.crt")).await.unwrap_err().to_string();
    assert!(no_ca.contains("etc/none.crt"), "{no_ca}");
    let own = http.get(&serve(&foreign, "10.0.0.1").await, "/readyz?verbose", &HttpTls::own_loopback()).await;
    assert_eq!(own.unwrap().0, 500, "any certificate on the own loopback");
    let away = http.get("10.0.0.1:6443", "/readyz?verbose", &HttpTls::own_loopback()).await.unwrap_err();
    assert!(away.to_string().contains("is not on the loopback"), "{away}");
}
