//! The address of the ingress: a server on a loopback address that presents what the World says, with one certificate for the whole domain
//! at the beginning, as `cm-kubernetes-setup` sets it up. Its port is the one of the load balancer's service: only root may listen on 443.

use super::pki;
use crate::world::World;
use crate::world::certificates::{self, Pair};
use crate::world::ingress::{Answer, Page};
use crate::world::site::{self, DOMAIN};
use anyhow::Context as _;
use rustls::server::Acceptor;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::LazyConfigAcceptor;

/// None: a cluster without workers has none. The objects are in the World as soon as the address serves.
pub async fn open(world: &Arc<World>) -> anyhow::Result<Option<TcpListener>> {
    if world.shape.workers.is_empty() {
        return Ok(None);
    }
    let address = format!("{}:{}", world.shape.ingress_address(), site::INGRESS_PORT);
    let listener = TcpListener::bind(&address).await.with_context(|| address.clone())?;
    let pair = certificates::site_for_years(&format!("*.{DOMAIN}"));
    let now = world.clock.now();
    world.update(|s| site::ingress(&mut s.api, &world.shape, DOMAIN, &pair, now));
    Ok(Some(listener))
}

pub async fn keep(world: Arc<World>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((tcp, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let world = world.clone();
        connections.spawn(async move {
            // A client that leaves early is no concern of a server.
            serve(&world, tcp).await.ok();
        });
    }
}

async fn serve(world: &World, tcp: TcpStream) -> io::Result<()> {
    let address = tcp.local_addr()?.ip().to_string();
    match world.ingress_answers(&address, "") {
        Answer::Serves(..) => tls(world, &address, tcp).await,
        Answer::Silent => hears_nothing(tcp).await,
        Answer::Resets => tcp.set_zero_linger(),
        Answer::PlainHttp => plain(tcp).await,
    }
}

/// The certificate depends on the name that the client asks for.
async fn tls(world: &World, address: &str, tcp: TcpStream) -> io::Result<()> {
    let hello = LazyConfigAcceptor::new(Acceptor::default(), tcp).await?;
    let name = hello.client_hello().server_name().unwrap_or_default().to_string();
    let Answer::Serves(pair, page) = world.ingress_answers(address, &name) else { return Ok(()) };
    let mut stream = hello.into_stream(config(&pair)?).await?;
    if read_request(&mut stream).await? {
        stream.write_all(response(&page).as_bytes()).await?;
        stream.shutdown().await?;
    }
    Ok(())
}

fn config(pair: &Pair) -> io::Result<Arc<rustls::ServerConfig>> {
    pki::presenting(pair).map(Arc::new).map_err(io::Error::other)
}

/// Until the empty line; false: the client closed the connection, as one does that wants only the handshake.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<bool> {
    let (mut text, mut part) = (vec![], [0; 1024]);
    while !text.windows(4).any(|w| w == b"\r\n\r\n") {
        match stream.read(&mut part).await? {
            0 => return Ok(false),
            n => text.extend_from_slice(&part[..n]),
        }
    }
    Ok(true)
}

fn response(page: &Page) -> String {
    let body = format!("<!doctype html><html><head><title>{}</title></head><body></body></html>", page.title);
    format!(
        "HTTP/1.1 {} Lab\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        page.status,
        body.len()
    )
}

async fn hears_nothing(mut tcp: TcpStream) -> io::Result<()> {
    tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await.map(drop)
}

/// What nginx says on a port without TLS to a request that it can't read.
async fn plain(mut tcp: TcpStream) -> io::Result<()> {
    let mut part = [0; 1024];
    if tcp.read(&mut part).await? > 0 {
        tcp.write_all(
            b"HTTP/1.1 400 Bad Request\r\nserver: nginx\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        )
        .await?;
    }
    tcp.shutdown().await
}

#[cfg(test)]
#[path = "ingress_tests.rs"]
mod tests;
