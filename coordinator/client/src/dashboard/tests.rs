//! The dashboard over real connections on the loopback: who gets in, what is served, and what becomes of slow and dead readers.

mod browser;
mod live;

use super::cells::Cell;
use super::gate::Gate;
use super::hub::Hub;
use super::ring::Line;
use super::scene::{Head, Scene};
use super::serve;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A fleet of so many workers, in racks of 32.
pub(super) fn scene_of(workers: usize) -> Scene {
    let cell = |n: usize| Cell {
        name: format!("dgx{n:04}"),
        group: format!("rack r{}", n / 32),
        state: "pending".into(),
        step: String::new(),
        reason: String::new(),
        version: "v1.31.9".into(),
        stale: false,
    };
    let head = Head { cluster: "runaicluster".into(), ..Head::default() };
    Scene { head, cells: (0..workers).map(cell).collect(), ..Scene::default() }
}

fn line(seq: u64, text: &str) -> Line {
    Line { seq, at: "2026-11-22T02:00:00Z".into(), text: text.into(), tone: "" }
}

struct Site {
    hub: Arc<Hub>,
    gate: Arc<Gate>,
    port: u16,
    task: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn site() -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (gate, hub) = (Arc::new(Gate::new(port)), Arc::new(Hub::default()));
    let task = tokio::spawn(serve::accept(listener, gate.clone(), hub.clone()));
    Site { hub, gate, port, task }
}

impl Site {
    /// Path and query of the address that is printed.
    fn way(&self) -> String {
        self.gate.url().split_once(&format!(":{}", self.port)).unwrap().1.to_string()
    }

    async fn open(&self, method: &str, path: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let host = format!("Host: 127.0.0.1:{}\r\n", self.port);
        let request = format!("{method} {path} HTTP/1.1\r\n{host}{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// The whole answer, on a connection of its own.
    async fn ask(&self, method: &str, path: &str, headers: &str) -> String {
        let mut stream = self.open(method, path, &format!("{headers}Connection: close\r\n")).await;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    /// The header line with the cookie of the printed address.
    async fn cookie(&self) -> String {
        let answer = self.ask("GET", &self.way(), "").await;
        let set = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        format!("Cookie: {}\r\n", set.split(';').next().unwrap())
    }

    /// A stream of events, read up to the first text that contains `part`.
    async fn stream(&self, part: &str) -> TcpStream {
        let cookie = self.cookie().await;
        let mut stream = self.open("GET", "/events", &cookie).await;
        until(&mut stream, part).await;
        stream
    }
}

async fn until(stream: &mut TcpStream, part: &str) -> String {
    let (mut seen, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let n = stream.read(&mut buffer).await.unwrap();
        assert!(n > 0, "the stream ended before {part:?}: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&seen);
        if text.contains(part) {
            return text.into_owned();
        }
    }
}

#[tokio::test]
async fn the_address_opens_the_page_and_the_cookie_the_rest() {
    let site = site().await;
    let page = site.ask("GET", &site.way(), "").await;
    assert!(page.starts_with("HTTP/1.1 200 OK") && page.ends_with(serve::PAGE), "{page}");
    for header in [
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
        "; HttpOnly; SameSite=Strict",
    ] {
        assert!(page.contains(header), "{header} is missing in {page}");
    }
    let cookie = site.cookie().await;
    for (path, kind) in
        [("/", "text/html"), ("/dashboard.js", "text/javascript"), ("/dashboard.css", "text/css")]
    {
        let answer = site.ask("GET", path, &cookie).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains(kind), "{answer}");
        assert!(!answer.contains("set-cookie"), "{path} needs no new cookie");
        let stranger = site.ask("GET", path, "").await;
        assert!(stranger.starts_with("HTTP/1.1 403") && !stranger.contains(serve::PAGE), "{stranger}");
    }
    assert!(site.ask("GET", "/secrets", &cookie).await.starts_with("HTTP/1.1 404"));
    let posted = site.ask("POST", &site.way(), &cookie).await;
    assert!(posted.starts_with("HTTP/1.1 405") && posted.contains("allow: GET"), "{posted}");
}

#[tokio::test]
async fn a_browser_gets_the_scene_at_once_and_then_the_changes() {
    let site = site().await;
    let mut scene = scene_of(3);
    site.hub.publish(scene.clone(), vec![line(1, "run started\n\nevent: scene\ndata: {}")], 5);
    let cookie = site.cookie().await;
    let mut stream = site.open("GET", "/events", &cookie).await;
    let first = until(&mut stream, "}\n\n").await;
    assert!(first.contains("content-type: text/event-stream") && first.contains("retry: 1000"), "{first}");
    assert_eq!(first.matches("\nevent: ").count(), 1, "a text is no event: {first}");
    assert!(first.contains(r#""lines":[{"seq":1,"#) && first.contains("dgx0002"), "{first}");
    scene.cells[1].state = "working".into();
    site.hub.publish(scene, vec![line(2, "dgx0001 cordon: starts")], 6);
    let delta = until(&mut stream, "}\n\n").await;
    assert!(delta.contains("event: delta") && delta.contains("dgx0001"), "{delta}");
    assert!(!delta.contains("dgx0002") && !delta.contains("run started"), "{delta}");
}

#[tokio::test]
async fn a_browser_that_does_not_read_is_cut_off_and_another_is_served() {
    let site = site().await;
    site.hub.publish(scene_of(2000), vec![], 0);
    let mut slow = site.stream("event: scene").await;
    assert_eq!(site.hub.readers(), 1);
    let mut at = 0;
    // Each publication changes every node, and nobody reads: the buffers of both sides fill up.
    while site.hub.readers() > 0 {
        at += 1;
        assert!(at < 10_000, "it is never cut off");
        let mut scene = scene_of(2000);
        scene.cells.iter_mut().for_each(|cell| cell.reason = format!("change {at}"));
        site.hub.publish(scene, vec![], at);
        tokio::task::yield_now().await;
    }
    // Its connection ends, and does not hang.
    let mut rest = Vec::new();
    drop(slow.read_to_end(&mut rest).await);
    let mut quick = site.stream("event: scene").await;
    site.hub.publish(scene_of(3), vec![], at + 1);
    assert!(until(&mut quick, "\"gone\":[").await.contains("event: delta"));
}

#[tokio::test]
async fn more_browsers_than_there_is_room_for_are_told_so() {
    let site = site().await;
    let cookie = site.cookie().await;
    let mut open = Vec::new();
    for _ in 0..super::hub::READERS {
        open.push(site.stream("event: scene").await);
    }
    let answer = site.ask("GET", "/events", &cookie).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("close one"), "{answer}");
    assert!(site.ask("GET", "/", &cookie).await.starts_with("HTTP/1.1 200"), "the page itself is served");
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_its_script_writes_no_html() {
    let script = include_str!("dashboard.js");
    let style = include_str!("dashboard.css");
    for no in
        ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "srcdoc"]
    {
        assert!(!script.contains(no), "{no}");
    }
    for (name, text) in [("page", serve::PAGE), ("script", script), ("style", style)] {
        for no in ["http:", "https:", "//cdn", "@import", "url(", "javascript:"] {
            assert!(!text.contains(no), "{no} in the {name}");
        }
    }
    // The policy forbids scripts and styles inside of the page.
    let inline = |(at, _): (usize, &str)| !serve::PAGE[at..].starts_with("<script src=\"/");
    assert!(!serve::PAGE.match_indices("<script").any(inline), "a script inside of the page");
    for no in ["<style", " style=", " onload=", " onclick=", " onerror=", " oninput="] {
        assert!(!serve::PAGE.contains(no), "{no}");
    }
    for id in script.match_indices("by(\"").map(|(at, _)| script[at + 4..].split('"').next().unwrap()) {
        assert!(serve::PAGE.contains(&format!("id=\"{id}\"")), "the page has no element {id}");
    }
}
