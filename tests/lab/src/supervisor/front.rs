//! One API server's address: TLS on port 6443, there exactly while the node's kube-apiserver container listens. When the container ends
//! its connections end with it. Where a rule of the node's firewall refuses others, their connections are reset; a client sees an end
//! after the handshake where a kernel refuses the first packet, so the proxy looks at the rule itself.

use super::own::Own;
use super::pki::ClusterTls;
use crate::api::{self, Caller, handle};
use crate::kubelet::listens_at;
use crate::world::firewall::Reach;
use crate::world::{State, World, anonymous};
use futures_util::future::BoxFuture;
use http::Request;
use http::header::AUTHORIZATION;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The container that serves now.
fn server(s: &State, node: &str) -> Option<String> {
    s.front_up(node).then(|| s.node(node).container("kube-apiserver").map(|c| c.id.clone()))?
}

async fn meet(world: Arc<World>, node: String, tls: ClusterTls, own: Own, tcp: TcpStream, peer: SocketAddr) {
    match let_in(&world, &node, || own(&node, peer)) {
        true => serve(world, node, tls, tcp).await,
        // One that is gone already needs no reset.
        false => drop(tcp.set_zero_linger()),
    }
}

fn let_in(world: &World, node: &str, own: impl Fn() -> bool) -> bool {
    let reach = world.lock().reach(node, world.clock.now());
    match reach {
        Reach::All => true,
        Reach::TheNodeItself => own(),
        Reach::None => false,
    }
}

/// A rule that does not spare connections which stand already.
fn cuts(s: &State, node: &str, now: jiff::Timestamp) -> bool {
    let n = s.node(node);
    let port = n.container("kube-apiserver").map_or(6443, |c| listens_at(c).1);
    n.firewall.cuts(port, now)
}

/// Opens the port of a node's API server: node and address.
pub type Bind = Arc<dyn Fn(String, String) -> BoxFuture<'static, std::io::Result<TcpListener>> + Send + Sync>;

/// On this machine.
pub fn bind_here() -> Bind {
    Arc::new(|_node, address| Box::pin(TcpListener::bind(address)))
}

/// Runs for ever.
pub async fn keep(world: Arc<World>, node: String, tls: ClusterTls, bind: Bind, own: Own) {
    let address = format!("{}:6443", world.shape.address(&node));
    loop {
        world.until(|s| server(s, &node).is_some()).await;
        let serving = server(&world.lock(), &node);
        let listener = match bind(node.clone(), address.clone()).await {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!(address, %error, "an API server can't listen");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => if let Ok((tcp, peer)) = accepted {
                    connections.spawn(meet(world.clone(), node.clone(), tls.clone(), own.clone(), tcp, peer));
                },
                () = world.until(|s| server(s, &node) != serving || cuts(s, &node, world.clock.now())) => {
                    connections.shutdown().await;
                    if server(&world.lock(), &node) != serving {
                        break;
                    }
                    world.until(|s| server(s, &node) != serving || !cuts(s, &node, world.clock.now())).await;
                }
            }
        }
    }
}

async fn serve(world: Arc<World>, node: String, tls: ClusterTls, tcp: TcpStream) {
    tcp.set_nodelay(true).ok();
    let Ok(stream) = tls.acceptor.accept(tcp).await else { return };
    let shown = tls.clients.shown(stream.get_ref().1.peer_certificates());
    let service = service_fn(move |request: Request<Incoming>| {
        let (world, node) = (world.clone(), node.clone());
        async move {
            let (parts, body) = request.into_parts();
            let asks = match (user(&world, parts.headers.get(AUTHORIZATION)), shown) {
                (Some(user), _) => Ok(Some(user)),
                (None, Some(true)) => Ok(Some(BY_CERTIFICATE.to_string())),
                (None, Some(false)) => Err(()),
                (None, None) => anonymous(&world, &node, parts.uri.path()),
            };
            let Ok(asks) = asks else { return Ok::<_, io::Error>(api::unauthorized()) };
            let caller = Caller(asks);
            let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
            // An error ends the connection.
            handle(&world, &node, &caller, Request::from_parts(parts, body)).await
        }
    });
    // A client that goes away is no error of ours.
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

/// The name in a client certificate of the cluster's CA.
const BY_CERTIFICATE: &str = "by-certificate";

/// The caller of a request; without a name if it shows no credentials.
fn anonymous(world: &World, node: &str, path: &str) -> Result<Option<String>, ()> {
    let words = world.lock().node(node).container("kube-apiserver").map(|c| c.args.clone());
    match anonymous::allowed(world.disk(node).as_ref(), &words.unwrap_or_default(), path) {
        true => Ok(None),
        false => Err(()),
    }
}

fn user(world: &World, header: Option<&http::HeaderValue>) -> Option<String> {
    let token = header?.to_str().ok()?.strip_prefix("Bearer ")?;
    (token == world.shape.token).then(|| api::COORDINATOR.to_string())
}
