//! Handshakes on loopback: which clients are accepted and which are refused, and that a failed handshake never ends the listener.
#![allow(clippy::disallowed_methods)] // a test writes its own files

use super::*;
use podlift_model::{ClusterName, NodeName};
use std::net::SocketAddr;
use std::path::Path;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;
use tonic::transport::server::Connected as _;

fn identity(cluster: &str, subject: Subject) -> Identity {
    Identity { cluster: ClusterName::new(cluster).unwrap(), subject, role: Role::Admin }
}

fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

fn authority() -> ca::Pair {
    ca::init(&ClusterName::new("c").unwrap(), now()).unwrap()
}

fn material(dir: &Path, authority: &ca::Pair, who: &Identity) -> Material {
    made_at(now(), dir, authority, who)
}

fn made_at(at: jiff::Timestamp, dir: &Path, authority: &ca::Pair, who: &Identity) -> Material {
    let pair = ca::issue(authority, who, &[], 30, at).unwrap();
    let at = |name: &str| dir.join(name);
    std::fs::write(at("ca"), &authority.certificate).unwrap();
    std::fs::write(at("crt"), &pair.certificate).unwrap();
    std::fs::write(at("key"), pair.key.as_str()).unwrap();
    Material::load(&at("ca"), &at("crt"), &at("key")).unwrap()
}

async fn listen(
    server: &Material,
) -> (SocketAddr, impl tokio_stream::Stream<Item = std::io::Result<Connection>> + use<>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap(), incoming(listener, server).unwrap())
}

/// In TLS 1.3 the handshake is complete for the client before the server has judged it, so only data proves success.
async fn talks(client: &Material, to: SocketAddr) -> bool {
    let connector = Connector::new(client, Expect::Coordinator).unwrap();
    let Ok(mut stream) = connector.connect(to).await else { return false };
    let mut byte = [0];
    stream.write_all(b"x").await.is_ok() && stream.read_exact(&mut byte).await.is_ok()
}

#[tokio::test]
async fn a_clock_that_is_hours_behind_still_connects() {
    install_provider();
    let dir = tempfile::tempdir().unwrap();
    // Made on a machine whose clock is 23 hours ahead of the clock that both ends use here.
    let ahead = now() + std::time::Duration::from_secs(23 * 3600);
    let authority = ca::init(&ClusterName::new("c").unwrap(), ahead).unwrap();
    let made = |who: Subject| made_at(ahead, dir.path(), &authority, &identity("c", who));
    let server = made(Subject::Coordinator(node("head")));
    let (address, mut accepted) = listen(&server).await;
    tokio::spawn(async move {
        let mut connection = accepted.next().await.unwrap().unwrap();
        let mut byte = [0];
        connection.read_exact(&mut byte).await.unwrap();
        connection.write_all(&byte).await.unwrap();
    });
    assert!(talks(&made(Subject::Node(node("dgx030"))), address).await);
}

#[tokio::test]
async fn only_our_own_get_in() {
    install_provider();
    let dir = tempfile::tempdir().unwrap();
    let (ours, foreign) = (authority(), authority());
    let server = material(dir.path(), &ours, &identity("c", Subject::Coordinator(node("head"))));
    let (address, accepted) = listen(&server).await;
    let seen = tokio::spawn(async move {
        tokio::pin!(accepted);
        let mut peers = vec![];
        while let Some(Ok(mut connection)) = accepted.next().await {
            peers.push(connection.connect_info().uri());
            let mut byte = [0];
            connection.read_exact(&mut byte).await.unwrap();
            connection.write_all(&byte).await.unwrap();
            if peers.len() == 2 {
                return peers;
            }
        }
        peers
    });
    let good = material(dir.path(), &ours, &identity("c", Subject::Node(node("dgx030"))));
    assert!(talks(&good, address).await);
    let stranger = material(dir.path(), &foreign, &identity("c", Subject::Node(node("dgx030"))));
    assert!(!talks(&stranger, address).await, "another CA");
    let elsewhere = material(dir.path(), &ours, &identity("d", Subject::Node(node("dgx030"))));
    assert!(!talks(&elsewhere, address).await, "another cluster");
    let person = material(dir.path(), &ours, &identity("c", Subject::Operator(node("ann"))));
    assert!(talks(&person, address).await);
    assert_eq!(seen.await.unwrap(), ["spiffe://podlift/c/node/dgx030", "spiffe://podlift/c/operator/ann"]);
}

#[tokio::test]
async fn a_server_that_is_no_coordinator_is_refused() {
    install_provider();
    let dir = tempfile::tempdir().unwrap();
    let ours = authority();
    let impostor = material(dir.path(), &ours, &identity("c", Subject::Node(node("dgx030"))));
    let (address, _accepted) = listen(&impostor).await;
    let client = material(dir.path(), &ours, &identity("c", Subject::Node(node("dgx031"))));
    assert!(!talks(&client, address).await);
}

#[test]
fn what_does_not_fit_is_refused_at_start() {
    install_provider();
    let dir = tempfile::tempdir().unwrap();
    let ours = authority();
    material(dir.path(), &ours, &identity("c", Subject::Node(node("dgx030"))));
    let other = ca::issue(&ours, &identity("c", Subject::Node(node("x"))), &[], 30, now()).unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("key"), other.key.as_str()).unwrap();
    let error = Material::load(&at("ca"), &at("crt"), &at("key")).err().unwrap();
    assert!(matches!(error, TlsError::Mismatch(_)), "{error}");
    let error = Material::load(&at("nothing"), &at("crt"), &at("key")).err().unwrap();
    assert!(error.to_string().contains("podlift cert issue"), "{error}");
    std::fs::write(at("crt"), "junk").unwrap();
    let error = Material::load(&at("ca"), &at("crt"), &at("key")).err().unwrap();
    assert!(error.to_string().contains("holds no usable certificate"), "{error}");
}

#[test]
fn roles_and_names_are_in_the_certificate() {
    let ours = authority();
    for role in [Role::Viewer, Role::Operator, Role::Admin] {
        let who = Identity { role, ..identity("c", Subject::Operator(node("ann"))) };
        let pair = ca::issue(&ours, &who, &[], 30, now()).unwrap();
        let der = <rustls_pki_types::CertificateDer as rustls_pki_types::pem::PemObject>::from_pem_slice(
            pair.certificate.as_bytes(),
        );
        assert_eq!(Identity::of_certificate(&der.unwrap()).unwrap(), who);
    }
}
