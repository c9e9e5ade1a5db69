//! The lab as processes: the bench measures a real agent, and nothing outlives its supervisor, not even one that is killed.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test spawns, reads /proc and may panic

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const EXE: &str = env!("CARGO_BIN_EXE_podlift-lab");

#[test]
fn the_bench_heals_every_round() {
    let output = Command::new(EXE)
        .args(["bench", "heal", "--rounds", "20", "--shell-rounds", "10", "--json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let v: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = [
        "floor_p50_us",
        "floor_p99_us",
        "visible_p50_us",
        "visible_p99_us",
        "visible_p50_ratio",
        "durable_p50_us",
        "durable_p99_us",
        "durable_p99_ratio",
        "shell_p50_us",
        "shell_p99_us",
        "shell_speedup_visible_p50",
    ];
    assert!(keys.iter().all(|k| v[*k].is_number()), "{v}");
    assert_eq!((&v["rounds"], &v["shell_rounds"]), (&20.into(), &10.into()));
    let us = |name: &str| v[name].as_u64().unwrap();
    assert!(us("visible_p50_us") <= us("durable_p50_us"), "{v}");
}

/// The figures of a bench, whether it has met its bars or not.
fn figures(args: &[&str]) -> serde_json::Value {
    let output = Command::new(EXE).arg("bench").args(args).arg("--json").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}\n{said}"))
}

/// Each round has to end. How fast it is stands in the bench's own bars, which a busy machine may miss.
#[test]
fn the_bench_of_the_sentinel_sees_every_object_come_back() {
    let v = figures(&["sentinel", "--rounds", "4"]);
    assert_eq!(v["rounds"], 4, "{v}");
    let seconds = |name: &str| v[name].as_f64().unwrap();
    assert!(seconds("service_restored_s") < 20.0 && seconds("tls_restored_s") < 20.0, "{v}");
}

#[test]
fn the_bench_of_a_validation_looks_at_every_node() {
    let v = figures(&["validate", "--nodes", "24", "--pods", "300"]);
    assert!(v["checks"].as_u64().unwrap() >= 12 && v["pods"].as_u64().unwrap() >= 300, "{v}");
    assert!(
        v["validate_s"].as_f64().unwrap() < 60.0 && v["coordinator_peak_rss_mib"].as_f64().unwrap() < 1000.0,
        "{v}"
    );
}

/// A lab that a failed assertion takes down with it.
struct Running(std::process::Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }
}

impl std::ops::Deref for Running {
    type Target = std::process::Child;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl std::ops::DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its agents end with it. An error says that it has ended already.
        drop(self.0.kill().and_then(|()| self.0.wait()));
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_killed_supervisor_leaves_nothing_behind() {
    let mut lab = Running::start(
        Command::new(EXE)
            .args(["bench", "heal", "--rounds", "1000000"])
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    until("an agent runs", || agents(lab.id()).len() == 1);
    let agents = agents(lab.id());
    lab.kill().unwrap();
    lab.wait().unwrap();
    until("the agent is gone", || agents.iter().all(|pid| !alive(*pid)));
}

#[test]
fn an_interrupted_demo_takes_everything_down() {
    let mut lab = Running::start(Command::new(EXE).arg("demo").stdout(Stdio::null()).stderr(Stdio::null()));
    until("all agents run, the head node's among them", || agents(lab.id()).len() == 8);
    let agents = agents(lab.id());
    let pid = nix::unistd::Pid::from_raw(lab.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    assert_eq!(lab.wait().unwrap().code(), Some(130));
    until("the agents are gone", || agents.iter().all(|pid| !alive(*pid)));
}

/// The lines that a lab prints for a shell, as (name, value); the rest of its stdout stays open.
fn environment(lab: &mut std::process::Child) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let lines = BufReader::new(lab.stdout.take().unwrap()).lines().map_while(Result::ok);
    for line in lines {
        let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
        let value = value.split('\'').nth(1).unwrap();
        all.insert(name.to_string(), value.to_string());
        if name == "PODLIFT_LAB_NODES" {
            break;
        }
    }
    all
}

#[test]
fn a_lab_that_stays_can_be_used_and_leaves_nothing_behind() {
    let mut lab = Running::start(
        Command::new(EXE)
            .args(["up", "--workers", "1", "--control-planes", "1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null()),
    );
    let env = environment(&mut lab);
    let path = format!("{}:/usr/bin:/bin", env["PATH"]);
    let podlift = Command::new("podlift").arg("status").env_clear().env("PATH", &path).output().unwrap();
    let said = String::from_utf8_lossy(&podlift.stdout).into_owned();
    assert!(podlift.status.success() && said.contains("runai-01") && said.contains("dgx030"), "{said}");
    // Not every machine has a kubectl.
    let kubectl = Command::new("kubectl").args(["get", "nodes", "-o", "name"]).envs(&env).output();
    if let Ok(kubectl) = kubectl {
        let said = String::from_utf8_lossy(&kubectl.stdout).into_owned();
        assert!(said.contains("node/runai-01") && said.contains("node/dgx030"), "{kubectl:?}");
    }
    let root = std::path::Path::new(&env["PODLIFT_LAB_NODES"]).to_path_buf();
    assert!(root.join("runai-01/etc/kubernetes/manifests/kube-apiserver.yaml").exists());
    let agents = agents(lab.id());
    assert_eq!(agents.len(), 3, "of two nodes and the head node");
    let pid = nix::unistd::Pid::from_raw(lab.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(lab.wait().unwrap().code(), Some(0));
    until("the agents are gone", || agents.iter().all(|pid| !alive(*pid)));
    assert!(!root.exists());
}

/// The answer to GET, with its head.
fn get(url: &str) -> Option<String> {
    let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
    let mut stream = std::net::TcpStream::connect(host).ok()?;
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn a_coordinator_tells_prometheus_how_things_are() {
    let mut lab = Running::start(
        Command::new(EXE)
            .args(["up", "--control-planes", "1", "--workers", "1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null()),
    );
    let url = environment(&mut lab)["PODLIFT_LAB_METRICS"].clone();
    let mut page = String::new();
    until("both agents are counted and the epoch is held", || {
        page = get(&url).unwrap_or_default();
        ["podlift_sessions_connected 2.0", "podlift_epoch 1.0", "podlift_read_only 0.0"]
            .iter()
            .all(|l| page.contains(l))
    });
    assert!(page.contains("content-type: application/openmetrics-text; version=1.0.0"), "{page}");
    assert!(
        !page.contains("podlift_journal_size_bytes 0.0") && page.contains("podlift_journal_size_bytes "),
        "{page}"
    );
    assert!(get(&url.replace("/metrics", "/healthz")).unwrap().ends_with("ok\n"));
    let pid = nix::unistd::Pid::from_raw(lab.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert!(lab.wait().unwrap().success());
    until("the port is closed", || get(&url).is_none());
}

/// Children by any thread of the supervisor.
fn agents(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of_task = tasks.flat_map(|t| {
        let text = std::fs::read_to_string(t.path().join("children")).unwrap_or_default();
        text.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<u32>>()
    });
    of_task.filter(|p| is_agent(*p)).collect()
}

fn is_agent(pid: u32) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|b| *b == 0).nth(1) == Some(b"agent")
}

/// A zombie without a waiting parent is dead all the same.
fn alive(pid: u32) -> bool {
    let Ok(file) = std::fs::File::open(format!("/proc/{pid}/status")) else { return false };
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    !lines.filter(|l| l.starts_with("State:")).any(|l| l.contains('Z'))
}
