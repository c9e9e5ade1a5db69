//! The real link against a real gRPC server over mTLS.

use super::*;
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_common::tls::ca::{Pair, init, issue};
use podlift_common::tls::{Connection, Expect, Identity, Material, incoming, install_provider};
use podlift_proto::v1::agent_service_server::{AgentService, AgentServiceServer};
use podlift_proto::v1::{Hello, Welcome, from_agent, to_agent};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

fn material(ca: &Pair, uri: &str) -> Material {
    let identity: Identity = uri.parse().unwrap();
    let leaf = issue(ca, &identity, &[], 2, SystemClock.now()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        podlift_common::durable::write(&path, text.as_bytes(), 0o600).unwrap();
        path
    };
    let (ca, certificate, key) =
        (put("ca", &ca.certificate), put("crt", &leaf.certificate), put("key", &leaf.key));
    Material::load(&ca, &certificate, &key).unwrap()
}

/// Waits for Hello before it answers the call, which is the stricter order.
struct Coordinator;

#[tonic::async_trait]
impl AgentService for Coordinator {
    type SessionStream = ReceiverStream<Result<ToAgent, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<FromAgent>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let peer = request.extensions().get::<Identity>().map(Identity::uri).unwrap_or_default();
        let mut stream = request.into_inner();
        let hello = match stream.message().await?.and_then(|m| m.kind) {
            Some(from_agent::Kind::Hello(hello)) => hello,
            _ => return Err(Status::invalid_argument("Hello first")),
        };
        if peer != format!("spiffe://podlift/c/node/{}", hello.node) {
            return Err(Status::permission_denied("another node"));
        }
        let (sender, receiver) = mpsc::channel(4);
        let welcome = Welcome { protocol: 1, ..Welcome::default() };
        sender.send(Ok(ToAgent { kind: Some(to_agent::Kind::Welcome(welcome)) })).await.unwrap();
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

async fn serve(ca: &Pair) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections: ReceiverStream<std::io::Result<Connection>> =
        incoming(listener, &material(ca, "spiffe://podlift/c/coordinator/head")).unwrap();
    tokio::spawn(
        Server::builder().add_service(AgentServiceServer::new(Coordinator)).serve_with_incoming(connections),
    );
    address
}

fn link(ca: &Pair, to: SocketAddr, uri: &str) -> GrpcLink {
    GrpcLink::new(to, Connector::new(&material(ca, uri), Expect::Coordinator).unwrap())
}

fn hello(node: &str) -> FromAgent {
    FromAgent { kind: Some(from_agent::Kind::Hello(Hello { node: node.into(), ..Hello::default() })) }
}

#[tokio::test]
async fn both_directions_and_every_way_to_be_refused() {
    install_provider();
    let ca = init(&"c".parse().unwrap(), SystemClock.now()).unwrap();
    let to = serve(&ca).await;
    let own = link(&ca, to, "spiffe://podlift/c/node/dgx030");
    let mut channel = own.open().await.unwrap();
    channel.send.send(hello("dgx030")).await.unwrap();
    let first = channel.receive.recv().await.unwrap().unwrap();
    assert!(matches!(first.kind, Some(to_agent::Kind::Welcome(w)) if w.protocol == 1));
    assert!(channel.receive.recv().await.is_none(), "the coordinator closed it");

    let mut other = own.open().await.unwrap();
    other.send.send(hello("dgx031")).await.unwrap();
    let status = other.receive.recv().await.unwrap().unwrap_err();
    assert_eq!(status.code(), tonic::Code::PermissionDenied);

    let strange = init(&"c".parse().unwrap(), SystemClock.now()).unwrap();
    let refused = link(&strange, to, "spiffe://podlift/c/node/dgx030").open().await.unwrap_err();
    assert!(refused.to_string().contains("invalid peer certificate"), "{refused}");
}

#[tokio::test]
async fn a_plain_server_is_no_coordinator() {
    install_provider();
    let ca = init(&"c".parse().unwrap(), SystemClock.now()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let plain = Server::builder().add_service(AgentServiceServer::new(Coordinator));
    tokio::spawn(plain.serve_with_incoming(TcpListenerStream::new(listener)));
    assert!(link(&ca, to, "spiffe://podlift/c/node/dgx030").open().await.is_err());
}
