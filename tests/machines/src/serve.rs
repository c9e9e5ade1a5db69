//! Files of a folder by HTTP, as a package mirror has them.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::path::{Component, Path, PathBuf};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Runs for ever.
pub async fn keep(listener: TcpListener, dir: PathBuf) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((tcp, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let dir = dir.clone();
        connections.spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer(&dir, request.method(), request.uri().path());
                async move { Ok::<_, Infallible>(answer) }
            });
            // A client that goes away is no error of ours.
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(tcp), service)
                .await
                .ok();
        });
    }
}

fn answer(dir: &Path, method: &Method, path: &str) -> Response<Full<Bytes>> {
    // apt writes the colons of `core:` so.
    let path = path.trim_start_matches('/').replace("%3a", ":").replace("%3A", ":").replace("%2b", "+");
    let safe = Path::new(&path).components().all(|c| matches!(c, Component::Normal(_)));
    let found = safe.then(|| std::fs::read(dir.join(&path)).ok()).flatten();
    let (status, body) = match found {
        Some(bytes) => (StatusCode::OK, Bytes::from(bytes)),
        None => (StatusCode::NOT_FOUND, Bytes::new()),
    };
    let length = body.len();
    let body = if method == Method::HEAD { Bytes::new() } else { body };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    response
}
