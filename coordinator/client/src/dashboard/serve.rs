//! The server: four addresses, over HTTP/1.1 on the loopback.

use super::gate::{Admission, Gate};
use super::hub::{Hub, READERS};
use super::reply::{self, Content};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

pub(super) const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("dashboard.js");
const STYLE: &str = include_str!("dashboard.css");

/// Connections at once: the streams, and room for pages and scripts.
const CONNECTIONS: usize = READERS + 48;
/// For the head of a request, and between two requests of a connection.
const HEADERS: Duration = Duration::from_secs(5);

/// Serves until the future is dropped.
pub(super) async fn accept(listener: TcpListener, gate: Arc<Gate>, hub: Arc<Hub>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= CONNECTIONS {
            connections.join_next().await;
        }
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, gate.clone(), hub.clone()))),
                // No file descriptor is free; another connection must close first.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, gate: Arc<Gate>, hub: Arc<Hub>) {
    // An update is a small packet that must not wait for another one.
    drop(stream.set_nodelay(true));
    let cut = Arc::new(Notify::new());
    let service = service_fn(|request: Request<Incoming>| {
        let response = answer(&request.into_parts().0, &gate, &hub, &cut);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    // A browser that goes away is not an error.
    tokio::select! {
        served = http.serve_connection(TokioIo::new(stream), service) => drop(served),
        () = cut.notified() => {}
    }
}

/// The answer to one request. `cut` ends the connection of a stream that is read too slowly.
pub(super) fn answer(
    head: &hyper::http::request::Parts,
    gate: &Gate,
    hub: &Hub,
    cut: &Arc<Notify>,
) -> Response<Content> {
    let cookie = match gate.admit(head) {
        Admission::Serve(cookie) => cookie,
        Admission::Refuse(status, why) => return reply::refuse(status, why),
    };
    let response = match head.uri.path() {
        "/" => reply::text(StatusCode::OK, reply::HTML, PAGE),
        "/dashboard.js" => reply::text(StatusCode::OK, reply::SCRIPT, SCRIPT),
        "/dashboard.css" => reply::text(StatusCode::OK, reply::STYLE, STYLE),
        "/events" => match hub.subscribe(cut.clone()) {
            Some(from) => reply::stream(from),
            None => reply::refuse(StatusCode::SERVICE_UNAVAILABLE, "too many pages are open: close one\n"),
        },
        _ => reply::refuse(StatusCode::NOT_FOUND, "this dashboard has one page: /\n"),
    };
    reply::with_cookie(response, cookie)
}
