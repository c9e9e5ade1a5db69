//! The address of the ingress: a TLS server on a loopback address, with one certificate for the whole domain, as `cm-kubernetes-setup` sets
//! it up. Its port is the one of the load balancer's service: only root may listen on 443.

use super::pki;
use crate::world::{World, site};
use anyhow::Context as _;
use rustls::ServerConfig;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub const DOMAIN: &str = "superpod.example";

/// None: a cluster without workers has none. The objects are in the World as soon as the address serves.
pub async fn open(world: &Arc<World>) -> anyhow::Result<Option<(TcpListener, TlsAcceptor)>> {
    if world.shape.workers.is_empty() {
        return Ok(None);
    }
    let address = format!("{}:{}", world.shape.ingress_address(), site::INGRESS_PORT);
    let listener = TcpListener::bind(&address).await.with_context(|| address.clone())?;
    let (pair, config) = pki::served(&format!("*.{DOMAIN}"))?;
    let now = world.clock.now();
    world.update(|s| site::ingress(&mut s.api, &world.shape, DOMAIN, &pair, now));
    Ok(Some((listener, acceptor(config))))
}

fn acceptor(config: ServerConfig) -> TlsAcceptor {
    TlsAcceptor::from(Arc::new(config))
}

/// Clients want only the handshake.
pub async fn keep(listener: TcpListener, tls: TlsAcceptor) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((tcp, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let tls = tls.clone();
        connections.spawn(async move {
            if let Ok(mut stream) = tls.accept(tcp).await {
                // The client closes the connection when it has seen the certificate.
                tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.ok();
            }
        });
    }
}
