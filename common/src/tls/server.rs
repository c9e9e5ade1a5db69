//! The listening side: every client must present a certificate of our CA with one identity of our cluster. Each handshake runs in its own
//! task with a time limit. A failed handshake never ends the stream.

use super::{Identity, Material};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

const HANDSHAKE: Duration = Duration::from_secs(10);
const BACKLOG: usize = 256;

/// An accepted connection whose peer is known.
pub struct Connection {
    stream: TlsStream<TcpStream>,
    peer: Identity,
}

impl Connected for Connection {
    type ConnectInfo = Identity;
    fn connect_info(&self) -> Identity {
        self.peer.clone()
    }
}

/// Connections of peers of our own cluster, ready for tonic's `serve_with_incoming`. Ends when the returned stream is dropped.
pub fn incoming(
    listener: TcpListener,
    material: &Material,
) -> Result<ReceiverStream<io::Result<Connection>>, rustls::Error> {
    let acceptor = TlsAcceptor::from(Arc::new(config(material)?));
    let cluster = material.identity.cluster.clone();
    let (sender, receiver) = mpsc::channel(BACKLOG);
    tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                () = sender.closed() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((tcp, from)) = accepted else {
                // In most cases the file descriptors are used up; other connections get time to end.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (acceptor, sender, cluster) = (acceptor.clone(), sender.clone(), cluster.clone());
            tokio::spawn(async move {
                match tokio::time::timeout(HANDSHAKE, handshake(acceptor, tcp)).await {
                    Ok(Ok(c)) if c.peer.cluster == cluster => drop(sender.send(Ok(c)).await),
                    Ok(Ok(c)) => {
                        tracing::warn!(%from, peer = %c.peer.uri(), "refused: certificate of another cluster")
                    }
                    Ok(Err(error)) => tracing::warn!(%from, %error, "refused: TLS handshake failed"),
                    Err(_) => tracing::warn!(%from, "refused: TLS handshake took too long"),
                }
            });
        }
    });
    Ok(ReceiverStream::new(receiver))
}

async fn handshake(acceptor: TlsAcceptor, tcp: TcpStream) -> io::Result<Connection> {
    tcp.set_nodelay(true)?;
    let stream = acceptor.accept(tcp).await?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let der = certificate.ok_or_else(|| io::Error::other("the client presented no certificate"))?;
    let peer = Identity::of_certificate(der).map_err(io::Error::other)?;
    Ok(Connection { stream, peer })
}

fn config(material: &Material) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(material.roots.clone(), provider.clone())
        .build()
        .map_err(|e| rustls::Error::General(e.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(material.chain.clone(), material.key.clone_key())?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
