use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn site() -> Served {
    let page: Page = Arc::new(|| Ok("# EOF\n".to_string()));
    serve(Listen::loopback(0), page).await.expect("a free port")
}

/// The whole answer to one request on its own connection.
async fn ask(to: SocketAddr, line: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let request = format!("{line} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn metrics_and_health() {
    let site = site().await;
    let metrics = ask(site.address, "GET /metrics").await;
    assert!(metrics.starts_with("HTTP/1.1 200 OK") && metrics.ends_with("\r\n\r\n# EOF\n"), "{metrics}");
    assert!(metrics.contains(&format!("content-type: {TEXT}\r\n")), "{metrics}");
    assert!(ask(site.address, "GET /healthz").await.ends_with("ok\n"));
    assert!(ask(site.address, "GET /").await.starts_with("HTTP/1.1 404"));
    let refused = ask(site.address, "POST /metrics").await;
    assert!(refused.starts_with("HTTP/1.1 405") && refused.contains("allow: GET"), "{refused}");
}

#[tokio::test]
async fn a_page_that_fails_is_an_error_and_not_an_empty_page() {
    let failing = serve(Listen::loopback(0), Arc::new(|| Err(std::fmt::Error))).await.unwrap();
    assert!(ask(failing.address, "GET /metrics").await.starts_with("HTTP/1.1 500"));
    let panicking = serve(Listen::loopback(0), Arc::new(|| panic!("a collector"))).await.unwrap();
    assert!(ask(panicking.address, "GET /metrics").await.starts_with("HTTP/1.1 500"));
    assert!(ask(panicking.address, "GET /healthz").await.starts_with("HTTP/1.1 200"), "it goes on");
}

#[tokio::test]
async fn more_silent_connections_than_there_is_room_for_wait_and_are_ended() {
    let site = site().await;
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS {
        silent.push(TcpStream::connect(site.address).await.unwrap());
    }
    // The open connections send nothing; header_read_timeout makes room.
    assert!(ask(site.address, "GET /healthz").await.ends_with("ok\n"));
}

#[tokio::test]
async fn off_and_taken_addresses_serve_nothing_and_break_nothing() {
    let page: Page = Arc::new(|| Ok(String::new()));
    assert!(serve(Listen::Off, page.clone()).await.is_none());
    let first = site().await;
    assert!(serve(Listen::On(first.address), page).await.is_none());
}
