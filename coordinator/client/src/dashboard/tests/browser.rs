//! The page in a real browser, with 2,000 nodes: axe's rules of accessibility, no error on the console, hostile texts, and how quick it
//! is. Chromium and axe are put there by ./test.
//!
//! The page's policy allows own scripts only, so that the test serves axe and its own script beside the page, from the same address. The
//! script reports by a request.
#![expect(clippy::disallowed_methods, reason = "a test that runs a browser")]

use super::{line, scene_of};
use crate::dashboard::gate::Gate;
use crate::dashboard::hub::Hub;
use crate::dashboard::reply::{self, Content};
use crate::dashboard::serve;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::convert::Infallible;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};

const WORKERS: usize = 2000;
const UPDATES: usize = 20;
const HOSTILE: &str = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";

/// Waits for all updates, runs axe, and reports both.
const PROBE: &str = r#"(async () => {
  const data = document.documentElement.dataset;
  const until = async (done) => { while (!done()) await new Promise((go) => setTimeout(go, 20)); };
  await until(() => data.painted);
  await fetch("/painted");
  await until(() => Number(data.updates || 0) >= UPDATES);
  const found = await axe.run(document, { resultTypes: ["violations"] });
  const report = {
    painted: Number(data.painted), slowest: Number(data.slowest), rules: found.passes.length,
    violations: found.violations.map((v) => [v.id, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 100))]),
    cells: document.querySelectorAll(".cells i").length, failed: document.querySelectorAll(".cells i.failed").length,
    title: document.title, look: document.getElementById("look").textContent, images: document.images.length,
    first: document.getElementById("events").firstElementChild.textContent, address: location.href,
    map: document.getElementById("map").textContent.slice(0, 200), link: document.getElementById("link").textContent,
  };
  await fetch("/report?" + encodeURIComponent(JSON.stringify(report)));
})();"#;

/// The file of axe-core, from `tests/tools/axe`.
fn axe() -> String {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tools/axe");
    let out = Command::new(&tool).stderr(Stdio::inherit()).output().expect("tests/tools/axe runs");
    assert!(out.status.success(), "tests/tools/axe: {}", out.status);
    std::fs::read_to_string(PathBuf::from(String::from_utf8(out.stdout).unwrap().trim())).unwrap()
}

struct Seen {
    gate: Gate,
    hub: Hub,
    axe: String,
    /// Requests of the probe: "painted", and the report.
    to: Sender<String>,
}

fn answer(seen: &Seen, request: Request<Incoming>) -> Response<Content> {
    let head = request.into_parts().0;
    match head.uri.path() {
        "/axe.js" => reply::text(StatusCode::OK, reply::SCRIPT, seen.axe.clone()),
        "/probe.js" => {
            reply::text(StatusCode::OK, reply::SCRIPT, PROBE.replace("UPDATES", &UPDATES.to_string()))
        }
        "/painted" | "/report" => {
            let told = head.uri.query().unwrap_or("painted").to_string();
            seen.to.try_send(told).unwrap();
            reply::text(StatusCode::OK, reply::PLAIN, "")
        }
        "/" => {
            let mut response = serve::answer(&head, &seen.gate, &seen.hub, &Arc::default());
            if response.status() == StatusCode::OK {
                let scripts = r#"<script src="/axe.js"></script><script src="/probe.js"></script></body>"#;
                let page = serve::PAGE.replace("</body>", scripts);
                *response.body_mut() = Content::Whole(Some(page.into()));
            }
            response
        }
        _ => serve::answer(&head, &seen.gate, &seen.hub, &Arc::default()),
    }
}

async fn accept(listener: TcpListener, seen: Arc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        let seen = seen.clone();
        let service = hyper::service::service_fn(move |request| {
            let response = answer(&seen, request);
            async move { Ok::<_, Infallible>(response) }
        });
        let served =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move { drop(served.await) });
    }
}

/// Ends the browser with the test.
struct Browser {
    child: Child,
    console: Arc<Mutex<Vec<String>>>,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn browser(url: &str, dark: bool) -> Browser {
    let profile = tempfile::tempdir().unwrap();
    let mut chromium = Command::new("chromium");
    chromium.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
    ]);
    chromium.args(["--enable-logging=stderr", "--remote-debugging-port=0"]);
    chromium.arg(format!("--user-data-dir={}", profile.path().display()));
    if dark {
        chromium.arg("--blink-settings=preferredColorScheme=0");
    }
    let mut child = chromium
        .arg(url)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("chromium is installed: apt-get install chromium");
    let console = Arc::new(Mutex::new(Vec::new()));
    let (lines, to) = (std::io::BufReader::new(child.stderr.take().unwrap()).lines(), console.clone());
    std::thread::spawn(move || {
        let said = lines.map_while(Result::ok).filter(|line| line.contains(":CONSOLE"));
        said.for_each(|line| to.lock().unwrap().push(line));
    });
    Browser { child, console, _profile: profile }
}

async fn told(from: &mut Receiver<String>, browser: &Browser) -> String {
    let told = tokio::time::timeout(Duration::from_secs(120), from.recv()).await;
    told.unwrap_or_else(|_| {
        panic!("the page reports nothing; console: {:?}", browser.console.lock().unwrap())
    })
    .unwrap()
}

/// Undoes `encodeURIComponent`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code = (*first == b'%').then(|| std::str::from_utf8(&more[..2]).unwrap());
        match code {
            Some(code) => {
                bytes.push(u8::from_str_radix(code, 16).unwrap());
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Milliseconds since 1970, by the clock that the browser has, too.
fn now() -> i64 {
    use podlift_common::clock::Clock as _;
    podlift_common::clock::SystemClock.now().as_millisecond()
}

async fn shown(dark: bool) -> (Value, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gate = Gate::new(listener.local_addr().unwrap().port());
    let url = gate.url();
    let (to, mut from) = channel(4);
    let seen = Arc::new(Seen { gate, hub: Hub::default(), axe: axe(), to });
    let server = tokio::spawn(accept(listener, seen.clone()));
    let mut scene = scene_of(WORKERS);
    scene.cells[0].reason = HOSTILE.into();
    scene.cells[0].state = "failed".into();
    seen.hub.publish(scene.clone(), vec![line(1, HOSTILE)], now());
    let browser = browser(&url, dark);
    assert_eq!(told(&mut from, &browser).await, "painted");
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    for n in 1..=UPDATES {
        pace.tick().await;
        // As many nodes as a large batch has.
        scene.cells[32 * n..32 * n + 64].iter_mut().for_each(|cell| cell.state = "working".into());
        seen.hub.publish(scene.clone(), vec![line(1 + n as u64, &format!("update {n}"))], now());
    }
    let report = decoded(&told(&mut from, &browser).await);
    let console = browser.console.lock().unwrap().clone();
    drop(browser);
    server.abort();
    (serde_json::from_str(&report).unwrap(), console)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_shows_two_thousand_nodes_and_finds_nothing_wrong() {
    for dark in [false, true] {
        let (report, console) = shown(dark).await;
        assert_eq!(console, Vec::<String>::new(), "the console is empty");
        assert_eq!(report["violations"], serde_json::json!([]), "dark: {dark}");
        assert!(report["rules"].as_u64().unwrap() > 10, "axe has tried its rules: {report}");
        assert_eq!((&report["cells"], &report["failed"]), (&WORKERS.into(), &1.into()), "{report}");
        // Hostile texts are shown as they are, and do nothing.
        assert!(report["look"].as_str().unwrap().contains(HOSTILE), "{report}");
        assert_eq!(report["images"], 0, "{report}");
        assert_eq!(report["title"], "runaicluster · podlift", "{report}");
        assert!(report["first"].as_str().unwrap().ends_with(&format!("update {UPDATES}")), "{report}");
        assert!(
            !report["address"].as_str().unwrap().contains("token"),
            "the token is not in the address bar: {report}"
        );
        assert!(report["map"].as_str().unwrap().starts_with("rack r0: 1 failed, 31 pending"), "{report}");
        assert_eq!(report["link"], "Live.");
        // Wide of the budgets (1,000 and 200 ms), because tests run beside each other.
        assert!(
            report["painted"].as_u64().unwrap() < 5000 && report["slowest"].as_u64().unwrap() < 2000,
            "{report}"
        );
    }
}
