//! A node whose files are below a scratch folder and whose etcdctl is the real one. Its units run at once, without systemd.
#![allow(clippy::disallowed_methods)] // a test writes files

use super::cluster::Cluster;
use crate::agent::Agent;
use crate::config::Config;
use crate::executor::{Answer, Executor, OpState};
use crate::node::Node;
use crate::units::{Exit, record_exit};
use async_trait::async_trait;
use podlift_common::clock::{Clock as _, SystemClock};
use podlift_host::real::{RealCommands, RealFiles};
use podlift_host::testing::{FakeDevices, FakeHttp, FakeProcesses, FakeWatch, LIVE_API, line, said};
use podlift_host::{CommandError, Commands, Files as _, Host, Invocation, Output};
use podlift_model::{Epoch, HostOp, OpId, OpOutcome};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct Bench {
    pub node: Arc<Node>,
    executor: Arc<Executor>,
    commands: Arc<Rooted>,
    root: tempfile::TempDir,
}

impl Bench {
    /// A control-plane node whose manifest names `endpoints`, and certificates that do not exist.
    pub fn new(cluster: &Cluster, endpoints: &[String]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let files = Arc::new(RealFiles::open(root.path()).unwrap());
        let put = |path: &str, text: &str| files.write(Path::new(path), text.as_bytes(), 0o600).unwrap();
        put("/etc/machine-id", "machine-1\n");
        let recorded = LIVE_API.lines().find(|l| l.contains("--etcd-servers=")).unwrap();
        let servers = format!("    - --etcd-servers={}", endpoints.join(","));
        put("/etc/kubernetes/manifests/kube-apiserver.yaml", &LIVE_API.replace(recorded, &servers));
        for other in ["kube-controller-manager", "kube-scheduler"] {
            put(&format!("/etc/kubernetes/manifests/{other}.yaml"), "not looked at here\n");
        }
        for (name, pem) in cluster.layout.files().iter().zip(&cluster.pems) {
            put(&format!("/etc/kubernetes/pki/{name}"), pem);
        }
        let real = RealCommands::new(vec![cluster.bin.clone()]);
        let commands = Arc::new(Rooted {
            root: root.path().display().to_string(),
            real,
            files: RealFiles::open(root.path()).unwrap(),
            calls: Mutex::default(),
        });
        let host = Host {
            commands: commands.clone(),
            files,
            http: Arc::new(FakeHttp),
            watch: Arc::new(FakeWatch::default()),
            clock: Arc::new(SystemClock),
            devices: Arc::new(FakeDevices::default()),
            processes: Arc::new(FakeProcesses::default()),
        };
        let mut config = Config::new(
            "runai-01".parse().unwrap(),
            "runaicluster".parse().unwrap(),
            "127.0.0.1:1".parse().unwrap(),
        );
        config.ops.poll = Duration::from_millis(20);
        let node = Agent::open(host, config).unwrap().node.clone();
        node.ledger.claim(&epoch()).unwrap();
        let executor = Executor::new(node.clone());
        Self { node, executor, commands, root }
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Runs one op from acceptance to outcome.
    pub async fn run(&self, id: &str, op: &HostOp) -> OpOutcome {
        let mut state = match self.executor.submit(&OpId::new(id).unwrap(), &epoch(), op) {
            Answer::Follow(state) => state,
            other => panic!("{other:?}"),
        };
        let state = state.wait_for(|s| matches!(s, OpState::Ended(_))).await.unwrap();
        match &*state {
            OpState::Ended(outcome) => outcome.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Number of calls that contain these words.
    pub fn count(&self, words: &str) -> usize {
        self.commands.calls.lock().unwrap().iter().filter(|c| c.contains(words)).count()
    }
}

fn epoch() -> Epoch {
    Epoch { number: 1, instance: "a".parse().unwrap() }
}

/// Commands for programs that know nothing of the root: their paths are moved below it.
struct Rooted {
    root: String,
    real: RealCommands,
    files: RealFiles,
    calls: Mutex<Vec<String>>,
}

impl Rooted {
    async fn etcd(&self, call: &Invocation) -> Result<Output, CommandError> {
        let said = line(call);
        let mut call = call.clone();
        for arg in &mut call.args {
            for path in ["/etc/kubernetes/", "/var/lib/podlift/"] {
                *arg = arg.replace(path, &format!("{}{path}", self.root));
            }
        }
        let result = self.real.run(&call).await;
        if !matches!(result, Err(CommandError::NotFound { .. })) {
            self.calls.lock().unwrap().push(said);
        }
        result
    }

    /// Does at once what systemd would do with a unit: run it, keep its output, record its end.
    async fn unit(&self, call: &Invocation) -> Result<Output, CommandError> {
        let value = |name: &str| call.args.iter().find_map(|a| a.strip_prefix(name)).unwrap().to_string();
        let unit = value("--unit=podlift-");
        let op = OpId::new(unit.trim_end_matches(".service")).unwrap();
        let own: Vec<String> = call.args.iter().skip_while(|a| a.starts_with("--")).cloned().collect();
        assert_eq!(own[0], "etcdctl");
        let env = call.args.iter().any(|a| a == "--setenv=ETCDCTL_API=3");
        assert!(env, "an etcdctl of 3.4 without it speaks another language on old systems");
        let spoken = Invocation::new("etcdctl", own[1..].to_vec()).env("ETCDCTL_API", "3");
        let output = self.etcd(&spoken).await?;
        let log = value("--property=StandardOutput=append:");
        self.files.append(Path::new(&log), format!("{}{}", output.stdout, output.stderr).as_bytes()).unwrap();
        let result = if output.success() { "success" } else { "exit-code" };
        let exit = Exit {
            boot: "boot".parse().unwrap(),
            at: SystemClock.now(),
            result: result.into(),
            code: "exited".into(),
            status: output.code.to_string(),
        };
        record_exit(&self.files, &op, &exit).unwrap();
        said("")
    }
}

#[async_trait]
impl Commands for Rooted {
    async fn run(&self, call: &Invocation) -> Result<Output, CommandError> {
        match (call.program, call.args.first().map(String::as_str)) {
            ("systemd-run", _) => self.unit(call).await,
            ("systemctl", Some("show")) => said("LoadState=not-found\nActiveState=inactive\n"),
            ("systemctl", _) => said(""),
            _ => self.etcd(call).await,
        }
    }
}
