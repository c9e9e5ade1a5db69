//! `GET /metrics` and `GET /healthz` over HTTP. It is read-only, serves a few connections at a time, and ends slow ones, so that scrapers
//! cannot overload it.

use super::{Listen, TEXT};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// Makes the text of one scrape. It is called on a thread where it may block.
pub type Page = Arc<dyn Fn() -> Result<String, std::fmt::Error> + Send + Sync>;

const CONNECTIONS: usize = 16;
const HEADERS: Duration = Duration::from_secs(2);
/// Scrapers keep their connection between two scrapes, which are usually 15 to 60 s apart.
const CONNECTION: Duration = Duration::from_secs(300);

/// A running server; dropping it ends the serving.
#[derive(Debug)]
pub struct Served {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `None` if metrics are off, or if the address is not available; the latter is logged.
pub async fn serve(listen: Listen, page: Page) -> Option<Served> {
    let Listen::On(wanted) = listen else { return None };
    let bound = TcpListener::bind(wanted).await.and_then(|l| Ok((l.local_addr()?, l)));
    match bound {
        Ok((address, listener)) => {
            if listen.is_public() {
                tracing::warn!(%address, "metrics are served without a password to everybody who reaches this address");
            }
            tracing::info!(%address, "metrics are served");
            Some(Served { address, task: tokio::spawn(accept(listener, page)) })
        }
        Err(error) => {
            tracing::error!(address = %wanted, %error, "metrics are not served: set metrics.listen to a free address, or to \"off\"");
            None
        }
    }
}

async fn accept(listener: TcpListener, page: Page) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= CONNECTIONS {
            connections.join_next().await;
        }
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(TokioIo::new(stream), page.clone()))),
                // No file descriptor is free; another connection must close first.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TokioIo<tokio::net::TcpStream>, page: Page) {
    let service = service_fn(move |request| {
        let page = page.clone();
        async move { Ok::<_, Infallible>(answer(&request, page).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    // A scraper that disconnects is not an error.
    drop(tokio::time::timeout(CONNECTION, http.serve_connection(stream, service)).await);
}

async fn answer(request: &Request<Incoming>, page: Page) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => match tokio::task::spawn_blocking(move || page()).await {
            Ok(Ok(text)) => reply(StatusCode::OK, TEXT, text),
            Ok(Err(_)) | Err(_) => {
                reply(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, "the metrics could not be put together\n")
            }
        },
        (&Method::GET, "/healthz") => reply(StatusCode::OK, PLAIN, "ok\n"),
        (&Method::GET, _) => reply(StatusCode::NOT_FOUND, PLAIN, "here are /metrics and /healthz\n"),
        _ => {
            let mut refused = reply(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET\n");
            refused.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET"));
            refused
        }
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

fn reply(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
