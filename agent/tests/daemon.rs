//! The agent as a process: what it serves beside its work, and what it costs when it has nothing to do.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test spawns, reads /proc and may panic

use podlift_common::clock::{Clock as _, SystemClock};
use podlift_common::tls::ca;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const EXE: &str = env!("CARGO_BIN_EXE_podlift-agent");
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/manifests/v1.31.14");

/// An agent of a control-plane node below a scratch folder; its coordinator is away.
struct Agent {
    root: tempfile::TempDir,
    child: Child,
    metrics: SocketAddr,
}

impl Agent {
    fn start(settings: &str, arguments: &[&str]) -> Self {
        Self::start_after(settings, arguments, |_| ())
    }

    /// `change` is made to its root before it starts.
    fn start_after(settings: &str, arguments: &[&str], change: impl FnOnce(&Path)) -> Self {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            podlift_common::durable::write(&root.path().join(path), text.as_bytes(), 0o600).unwrap();
        };
        let now = SystemClock.now();
        let authority = ca::init(&"runaicluster".parse().unwrap(), now).unwrap();
        let identity = "spiffe://podlift/runaicluster/node/runai-01".parse().unwrap();
        let leaf = ca::issue(&authority, &identity, &[], 2, now).unwrap();
        put("etc/podlift/tls/ca.crt", &authority.certificate);
        put("etc/podlift/tls/agent.crt", &leaf.certificate);
        put("etc/podlift/tls/agent.key", &leaf.key);
        put("etc/machine-id", "machine-1\n");
        put("proc/sys/kernel/random/boot_id", "boot-1\n");
        for file in ["kube-apiserver.yaml", "kube-controller-manager.yaml", "kube-scheduler.yaml"] {
            let text = std::fs::read_to_string(format!("{FIXTURES}/{file}")).unwrap();
            put(&format!("etc/kubernetes/manifests/{file}"), &text);
        }
        let metrics = free();
        put(
            "etc/podlift/agent.toml",
            &format!(
                "node = \"runai-01\"\ncluster = \"runaicluster\"\ncoordinator = \"{}\"\n\
                 [metrics]\nlisten = \"{metrics}\"\n{settings}",
                free()
            ),
        );
        change(root.path());
        let log = std::fs::File::create(root.path().join("log")).unwrap();
        let mut command = Command::new(EXE);
        command.arg("--root").arg(root.path()).args(arguments).stderr(log).stdout(Stdio::null());
        let child = command.spawn().unwrap();
        Self { root, child, metrics }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.root.path().join("log")).unwrap()
    }

    /// The page, as soon as it is served and everything is at work.
    fn page(&mut self) -> String {
        let began = Instant::now();
        loop {
            if let Some(page) =
                get(self.metrics, "/metrics").filter(|p| p.contains("podlift_agent_watch_active 1\n"))
            {
                return page;
            }
            let alive = self.child.try_wait().unwrap().is_none();
            assert!(alive && began.elapsed() < Duration::from_secs(20), "no metrics:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it as systemd would.
    fn terminate(mut self) -> (Option<i32>, String) {
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        (self.child.wait().unwrap().code(), self.log())
    }

    /// Times that a thread of it was put to sleep by itself, and so was woken.
    fn sleeps(&self) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().flatten();
        let status = tasks.filter_map(|t| std::fs::read_to_string(t.path().join("status")).ok());
        status.filter_map(|s| field(&s, "voluntary_ctxt_switches")).sum()
    }

    /// Memory that is its own, without the pages of its program's file.
    fn anonymous_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        field(&status, "RssAnon").unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// An address that nobody listens on.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn get(to: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(to).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn it_serves_metrics_and_ends_when_it_is_told() {
    // A collector that is away must not keep it from starting or ending.
    let collector = format!("http://{}", free());
    let mut agent = Agent::start("", &["--otlp-endpoint", &collector]);
    let page = agent.page();
    assert!(page.contains("content-type: application/openmetrics-text; version=1.0.0"), "{page}");
    for line in ["podlift_agent_session_connected 0\n", "podlift_agent_guard_mode{mode=\"steady\"} 1.0\n"] {
        assert!(page.contains(line), "no {line:?} in\n{page}");
    }
    let began = Instant::now();
    let (code, log) = agent.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(log.contains("metrics are served"), "{log}");
}

#[test]
fn a_port_that_is_taken_costs_the_metrics_alone() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = "[telemetry]\notlp_endpoint = \"http://127.0.0.1:1\"\n";
    let mut first = Agent::start(settings, &[]);
    first.page();
    // The second one finds the first one's address taken.
    let config = first.root.path().join("etc/podlift/agent.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace(&first.metrics.to_string(), &taken.local_addr().unwrap().to_string());
    std::fs::write(&config, text).unwrap();
    let root = first.root.path().to_path_buf();
    drop(first.child.kill());
    first.child.wait().unwrap();
    let log = std::fs::File::create(root.join("log")).unwrap();
    first.child =
        Command::new(EXE).arg("--root").arg(&root).stderr(log).stdout(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !first.log().contains("no session") {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not work on:\n{}", first.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let (code, log) = first.terminate();
    assert!(
        code == Some(0) && log.contains("metrics are not served") && log.contains("metrics.listen"),
        "{log}"
    );
}

/// The budget of the design: at most one wake-up a second, less than 15 MiB. Measured over a time, because that is what it is about.
#[test]
fn an_idle_agent_is_small_and_quiet() {
    let mut agent = Agent::start("[session]\nreconnect_max = \"30s\"\n", &[]);
    agent.page();
    // Past the first quick attempts to reach the coordinator.
    let settled = Duration::from_secs(8);
    let watched = Duration::from_secs(10);
    std::thread::sleep(settled);
    let before = agent.sleeps();
    std::thread::sleep(watched);
    let rate = (agent.sleeps() - before) as f64 / watched.as_secs_f64();
    println!("{rate:.2} wake-ups a second, {} KiB", agent.anonymous_kib());
    // A tick wakes two threads: the one that waits for time, and the one that works.
    assert!(rate < 2.5, "{rate} wake-ups a second");
    assert!(agent.anonymous_kib() < 15 << 10, "{} KiB", agent.anonymous_kib());
}

/// Fatal on its own version: repaired without anything learned.
const FATAL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/fixtures/manifests/kube-apiserver.v1.32.13.empty-etcd-servers.yaml"
);

#[test]
fn the_heal_works_whatever_is_wrong_with_the_rest() {
    let tls = |root: &Path| std::fs::remove_dir_all(root.join("etc/podlift/tls")).unwrap();
    let machine = |root: &Path| std::fs::remove_file(root.join("etc/machine-id")).unwrap();
    let ledger = |root: &Path| {
        podlift_common::durable::write(&root.join("var/lib/podlift/ledger"), b"x\n", 0o600).unwrap()
    };
    let nothing = |_: &Path| ();
    type Case<'a> = (&'a str, &'a dyn Fn(&Path), &'a str);
    let cases: [Case<'_>; 4] = [
        ("", &tls, "part=\"session\",why=\"tls\""),
        ("", &machine, "part=\"executor\",why=\"machine-id\""),
        ("", &ledger, "part=\"executor\",why=\"ledger-damaged\""),
        ("[nonsense]\nx = 1\n", &nothing, "part=\"executor\",why=\"config\""),
    ];
    for (settings, change, down) in cases {
        let mut agent = Agent::start_after(settings, &[], |root| change(root));
        let page = agent.page();
        assert!(page.contains(&format!("podlift_agent_down{{{down}}} 1\n")), "no {down} in\n{page}");
        let text = std::fs::read_to_string(FATAL).unwrap();
        let text = text.replace("--etcd-servers=", "--etcd-servers=https://a:2379");
        let broken = text.replace("MaxUnavailableStatefulSet=true", "KMSv2=true");
        assert_ne!(text, broken);
        let api = agent.root.path().join("etc/kubernetes/manifests/kube-apiserver.yaml");
        podlift_common::durable::write(&api, broken.as_bytes(), 0o600).unwrap();
        let began = Instant::now();
        while std::fs::read_to_string(&api).unwrap().contains("KMSv2") {
            let alive = agent.child.try_wait().unwrap().is_none();
            assert!(
                alive && began.elapsed() < Duration::from_secs(20),
                "{down}: not healed\n{}",
                agent.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let (code, log) = agent.terminate();
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(log.matches("ERROR").count(), 1, "said once\n{log}");
    }
}
