//! The ports of kube-controller-manager and kube-scheduler: TLS with a certificate that they signed themselves, there exactly while the
//! container runs.

use super::front::Bind;
use super::pki;
use crate::host::component;
use crate::kubelet::{HEALTHZ, listens_at};
use crate::world::World;
use crate::world::state::{Container, State};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// All of them.
pub fn open(world: &Arc<World>, bind: &Bind, tasks: &mut JoinSet<()>) -> anyhow::Result<()> {
    let (_, config) = pki::served("localhost")?;
    let tls = TlsAcceptor::from(Arc::new(config));
    for node in &world.shape.control_planes {
        for (name, _) in HEALTHZ {
            tasks.spawn(keep(world.clone(), node.clone(), name, tls.clone(), bind.clone()));
        }
    }
    Ok(())
}

fn serving(s: &State, node: &str, name: &str) -> Option<Container> {
    s.node(node).container(name).filter(|c| c.running() && c.listening).cloned()
}

/// Runs for ever.
async fn keep(world: Arc<World>, node: String, name: &'static str, tls: TlsAcceptor, bind: Bind) {
    loop {
        world.until(|s| serving(s, &node, name).is_some()).await;
        let Some(now) = serving(&world.lock(), &node, name) else { continue };
        let (address, port) = listens_at(&now);
        // In a lab of processes all nodes share one machine.
        let address = if address == "0.0.0.0" { world.shape.address(&node) } else { address };
        let gone = || world.until(|s| serving(s, &node, name).is_none_or(|c| c.id != now.id));
        match bind(node.clone(), format!("{address}:{port}")).await {
            Ok(listener) => tokio::select! {
                () = accept(&listener, &tls) => {}
                () = gone() => {}
            },
            Err(error) => {
                tracing::warn!(node, name, address, port, %error, "a component can't listen");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Connections end with it.
async fn accept(listener: &TcpListener, tls: &TlsAcceptor) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((tcp, _)) = listener.accept().await {
            connections.spawn(serve(tls.clone(), tcp));
        }
    }
}

async fn serve(tls: TlsAcceptor, tcp: TcpStream) {
    let Ok(stream) = tls.accept(tcp).await else { return };
    let service = service_fn(|request: Request<Incoming>| async move {
        let (status, body) = component(request.uri().path());
        let mut reply = Response::new(Full::new(Bytes::from(body)));
        *reply.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        Ok::<_, Infallible>(reply)
    });
    // A client that goes away is no error of ours.
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}
