//! A container runtime with pods whose hooks take time, on a node in memory.

use crate::testing::{Bench, MemFiles, exited, line, said};
use async_trait::async_trait;
use podlift_host::{CommandError, Commands, Files as _, Invocation, OpenProcess, Output, Processes, paths};
use podlift_model::PodRef;
use podlift_model::checkpoint::CheckpointSignal;
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const OP: &str = "r1-s0001-a1";
pub const PID: u32 = 4321;

/// A pod of the node and what its hook does.
#[derive(Clone)]
pub struct Pod {
    pub name: &'static str,
    pub annotations: Value,
    pub containers: Vec<&'static str>,
    /// Seconds until the command ends.
    pub takes: u64,
    /// The command's exit code, and what it prints.
    pub ends: (i32, &'static str),
}

impl Pod {
    pub fn new(name: &'static str, hook: &str) -> Self {
        let annotations = json!({"podlift.io/checkpoint": hook});
        Self { name, annotations, containers: vec!["train"], takes: 1, ends: (0, "saved") }
    }
    pub fn annotated(mut self, name: &str, value: &str) -> Self {
        self.annotations[name] = value.into();
        self
    }
    pub fn takes(self, takes: u64) -> Self {
        Self { takes, ..self }
    }
    pub fn ends(self, code: i32, output: &'static str) -> Self {
        Self { ends: (code, output), ..self }
    }
    pub fn with(self, containers: &[&'static str]) -> Self {
        Self { containers: containers.to_vec(), ..self }
    }
}

pub fn uid(name: &str) -> String {
    format!("uid-{name}")
}

pub fn pod(name: &str) -> PodRef {
    PodRef { namespace: "ml".parse().unwrap(), name: name.parse().unwrap(), uid: uid(name).parse().unwrap() }
}

/// `crictl` of the node, and its processes.
pub struct Runtime {
    pods: Vec<Pod>,
    files: Arc<MemFiles>,
    calls: Mutex<Vec<String>>,
    /// A signal ends the first process of the container.
    pub mortal: bool,
}

impl Runtime {
    pub fn calls(&self, start: &str) -> Vec<String> {
        self.calls.lock().unwrap().iter().filter(|call| call.starts_with(start)).cloned().collect()
    }

    fn sandboxes(&self) -> Value {
        let item = |pod: &Pod| {
            json!({"id": format!("s-{}", pod.name), "state": "SANDBOX_READY", "createdAt": "1",
                "metadata": {"name": pod.name, "namespace": "ml", "uid": uid(pod.name)}, "annotations": pod.annotations})
        };
        json!({"items": self.pods.iter().map(item).collect::<Vec<_>>()})
    }

    fn containers(&self, sandbox: &str) -> Value {
        let pod = self.pods.iter().find(|pod| sandbox == format!("s-{}", pod.name)).unwrap();
        let item = |name: &&str| {
            json!({"id": format!("{}-{name}", pod.name), "podSandboxId": sandbox, "metadata": {"name": name},
                "state": "CONTAINER_RUNNING"})
        };
        json!({"containers": pod.containers.iter().map(item).collect::<Vec<_>>()})
    }

    /// The command of a container, as containerd and crictl run it.
    async fn exec(&self, limit: u64, container: &str, words: &[&str]) -> Result<Output, CommandError> {
        let pod = self.pods.iter().find(|pod| container.starts_with(&format!("{}-", pod.name))).unwrap();
        let memo = self.files.text(paths::op_memo(&OP.parse().unwrap()));
        let begun = serde_json::from_str::<Value>(&memo).unwrap()[uid(pod.name)] == "begun";
        assert!(begun, "{} runs, and its beginning is not on the disk: {memo}", pod.name);
        tokio::time::sleep(Duration::from_secs(pod.takes.min(limit))).await;
        let fatal = |text: String| {
            let text = format!("execing command in container {container} synchronously: {text}");
            exited(1, &format!("time=\"x\" level=fatal msg={text:?}"))
        };
        match pod.ends {
            _ if pod.takes > limit => {
                fatal(format!("command timed out: {:?} timed out after {limit}s", words.join(" ")))
            }
            (0, text) => said(&format!("{text}\n\n")),
            (127, text) => {
                fatal(format!("rpc error: code = Unknown desc = failed to exec in container: {text}"))
            }
            (code, text) => fatal(format!("command '{}' exited with {code}: {text}", words.join(" "))),
        }
    }
}

#[async_trait]
impl Commands for Runtime {
    async fn run(&self, call: &Invocation) -> Result<Output, CommandError> {
        self.calls.lock().unwrap().push(line(call));
        let words: Vec<&str> = call.args.iter().map(String::as_str).collect();
        match (call.program, words.as_slice()) {
            ("crictl", ["pods", "--state", "ready", "-o", "json"]) => said(&self.sandboxes().to_string()),
            ("crictl", ["ps", "--pod", sandbox, "--state", "running", "-o", "json"]) => {
                said(&self.containers(sandbox).to_string())
            }
            ("crictl", ["exec", "--sync", "--timeout", limit, container, words @ ..]) => {
                self.exec(limit.parse().unwrap(), container, words).await
            }
            ("crictl", ["inspect", _]) => said(&json!({"info": {"pid": PID}}).to_string()),
            _ => exited(1, "not known to the fake"),
        }
    }
}

/// A process of the node.
struct Opened {
    pid: u32,
    of: Arc<Runtime>,
}

impl OpenProcess for Opened {
    fn send(&self, signal: CheckpointSignal) -> io::Result<()> {
        self.of.calls.lock().unwrap().push(format!("signal {signal} to {}", self.pid));
        match self.of.mortal {
            true => self.of.files.remove(Path::new(&format!("/proc/{}/cgroup", self.pid))),
            false => Ok(()),
        }
    }
}

struct Numbers(Arc<Runtime>);

impl Processes for Numbers {
    fn open(&self, pid: u32) -> io::Result<Box<dyn OpenProcess>> {
        self.0.files.stat(Path::new(&format!("/proc/{pid}/cgroup")))?;
        Ok(Box::new(Opened { pid, of: self.0.clone() }))
    }
}

/// A node with these pods.
pub fn node(pods: Vec<Pod>, mortal: bool) -> (Bench, Arc<Runtime>) {
    let mut bench = Bench::new(|_| exited(1, "not used"));
    let runtime = Arc::new(Runtime { pods, files: bench.files.clone(), calls: Mutex::default(), mortal });
    bench.host.commands = runtime.clone();
    bench.host.processes = Arc::new(Numbers(runtime.clone()));
    (bench, runtime)
}
