//! A whole lab, started and stopped.

use super::child::{self, Process};
use super::configs::{self, Addresses, HealMode, Pace};
use super::instance::Instance;
use super::scratch::Scratch;
use super::{front, pki, proxy, recorder, socket, tree};
use crate::load::{Carried, Carry};
use crate::world::{Shape, World};
use anyhow::{Context as _, bail};
use podlift_common::clock::{Clock as _, SystemClock};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;

pub struct Options {
    pub shape: Shape,
    pub heal: HealMode,
    pub coordinator: bool,
    /// Whose agents live in this process.
    pub carry: Carry,
    pub pace: Pace,
    /// This program.
    pub exe: PathBuf,
}

/// Fields end in this order: processes first, the folder last.
pub struct Lab {
    processes: Vec<Process>,
    carried: Carried,
    carry: BTreeSet<String>,
    _tasks: JoinSet<()>,
    pub world: Arc<World>,
    exe: PathBuf,
    scratch: Scratch,
    _instance: Instance,
}

/// How a call of `podlift` ended.
#[derive(Debug)]
pub struct Called {
    pub code: i32,
    pub stdout: String,
}

impl Called {
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.stdout)
            .with_context(|| format!("podlift printed no JSON: {:?}", self.stdout))
    }
}

impl Lab {
    /// The World runs, agents and coordinator are started; `ready` waits for them to have met.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let Options { shape, heal, exe, coordinator, carry, pace } = options;
        let carry = carry.nodes(&shape);
        let instance = Instance::take()?;
        instance.check().await?;
        let network = instance.network();
        let addresses =
            Addresses { coordinator: format!("{network}.1:7443"), vip: format!("{network}.1:10443") };
        let shape = Shape { proxy: addresses.vip.clone(), network, ..shape };
        let scratch = Scratch::new()?;
        let world =
            World::with_disks(shape.clone(), Arc::new(SystemClock), tree::disks(&shape, &scratch, &carry)?);
        world.set_stop_post(recorder::of(carry.clone()));
        let tasks = serve(&world, &scratch, &exe, &addresses, &carry).await?;
        world.start();
        let mut lab = Self {
            processes: vec![],
            carried: Carried::default(),
            carry,
            _tasks: tasks,
            world,
            exe,
            scratch,
            _instance: instance,
        };
        lab.configure(&addresses, heal, pace)?;
        if coordinator {
            lab.start_coordinator()?;
        }
        let nodes: Vec<String> = lab.world.shape.nodes().cloned().collect();
        nodes.iter().try_for_each(|node| lab.start_agent(node))?;
        Ok(lab)
    }

    fn configure(&self, addresses: &Addresses, heal: HealMode, pace: Pace) -> anyhow::Result<()> {
        let (shape, scratch) = (&self.world.shape, &self.scratch);
        configs::certificates(shape, scratch, SystemClock.now())?;
        for node in shape.nodes() {
            let tools = scratch.at(&format!("bin/{node}")).display().to_string();
            let text = configs::agent(shape, node, addresses, &tools, heal, pace);
            scratch.write(&format!("nodes/{node}/etc/podlift/agent.toml"), &text, 0o600)?;
        }
        let ca = scratch.at("head/kubernetes-ca.crt").display().to_string();
        scratch.write("head/kubeconfig", &configs::kubeconfig(shape, &ca), 0o600)?;
        scratch.write(
            "head/coordinator.toml",
            &configs::coordinator(shape, addresses, scratch, pace),
            0o600,
        )?;
        scratch.write("head/podlift.toml", &configs::command_line(addresses, scratch), 0o600)?;
        scratch.make_dir("log")?;
        Ok(())
    }

    pub fn start_coordinator(&mut self) -> anyhow::Result<()> {
        let config = self.scratch.at("head/coordinator.toml").display().to_string();
        self.spawn("coordinator", &["coordinator", "--config", &config])
    }

    pub fn start_agent(&mut self, node: &str) -> anyhow::Result<()> {
        if self.carry.contains(node) {
            return self.carried.start(&self.world, node, &self.scratch.at(&format!("nodes/{node}")));
        }
        let root = self.scratch.at(&format!("nodes/{node}")).display().to_string();
        let again = format!("--exec={}", self.exe.display());
        self.spawn(node, &["agent", "--root", &root, &again, "--exec=agent", "run"])
    }

    /// Of a process of the lab.
    pub fn pid(&self, name: &str) -> Option<u32> {
        self.processes.iter().find(|p| p.name == name)?.id()
    }

    /// Sessions that carried agents opened so far.
    pub fn sessions_opened(&self) -> u64 {
        self.carried.opened()
    }

    /// A path in the lab's folder.
    pub fn at(&self, path: &str) -> PathBuf {
        self.scratch.at(path)
    }

    pub async fn stop_process(&mut self, name: &str) {
        if self.carried.kill(name) {
            return;
        }
        if let Some(i) = self.processes.iter().position(|p| p.name == name) {
            self.processes.remove(i).stop().await;
        }
    }

    /// As SIGKILL; gone when this returns.
    pub async fn kill(&mut self, name: &str) {
        if self.carried.kill(name) {
            return;
        }
        if let Some(i) = self.processes.iter().position(|p| p.name == name) {
            self.processes.remove(i).kill().await;
        }
    }

    /// Configures an agent for measuring its heal alone.
    pub fn quiet_agent(&self, node: &str) -> anyhow::Result<()> {
        let path = format!("nodes/{node}/etc/podlift/agent.toml");
        let text = podlift_common::durable::read_to_string(&self.at(&path))?;
        self.scratch.write(&path, &configs::quiet(&text), 0o600).map(drop)
    }

    fn spawn(&mut self, name: &str, args: &[&str]) -> anyhow::Result<()> {
        let log = self.scratch.at(&format!("log/{name}.log"));
        self.processes.push(Process::spawn(name, &self.exe, args, &log)?);
        Ok(())
    }

    /// Waits until the coordinator answers and has met every agent.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let wanted = self.world.shape.nodes().count();
        // Thousands of agents that all dial at once take their time.
        for _ in 0..300 + wanted / 10 {
            self.check_alive()?;
            let called = self.podlift(&["status", "-o", "json"], false).await?;
            let status = called.json().unwrap_or_default();
            let rows = status["nodes"].as_array().cloned().unwrap_or_default();
            let met = rows.iter().filter(|r| r["connected"] == true).count();
            if called.code == 0
                && met == wanted
                && status["read_only"].is_null()
                && !status["epoch"].is_null()
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("coordinator and agents did not meet in time{}", self.log_tails())
    }

    /// A process that ended by itself is the end of the demo, with its last words.
    pub fn check_alive(&mut self) -> anyhow::Result<()> {
        let ended = self.processes.iter_mut().find_map(|p| p.ended().map(|status| (p.name.clone(), status)));
        match ended {
            Some((name, status)) => bail!("{name} ended by itself ({status}){}", self.log_tail(&name)),
            None => Ok(()),
        }
    }

    fn log_tail(&self, name: &str) -> String {
        let path = self.scratch.at(&format!("log/{name}.log"));
        let text = podlift_common::durable::read_to_string(&path).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(15)..];
        format!("\n--- {name}\n{}", tail.join("\n"))
    }

    pub fn log_tails(&self) -> String {
        self.processes.iter().map(|p| self.log_tail(&p.name)).collect()
    }

    /// `podlift ARGS…` as a person types it; its narration goes to our stderr where `show` says so.
    pub async fn podlift(&self, args: &[&str], show: bool) -> anyhow::Result<Called> {
        let config = self.scratch.at("head/podlift.toml").display().to_string();
        let all: Vec<&str> =
            ["podlift", "--config", &config].into_iter().chain(args.iter().copied()).collect();
        let mut command = child::again(&self.exe, &all);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(if show { Stdio::inherit() } else { Stdio::null() });
        // Not `output`: that takes stderr, too.
        let child = command.spawn().context("podlift could not be started")?;
        let output = child.wait_with_output().await?;
        let code = output.status.code().unwrap_or(-1);
        Ok(Called { code, stdout: String::from_utf8_lossy(&output.stdout).into_owned() })
    }

    pub fn keep_logs(&self, to: &Path) -> anyhow::Result<()> {
        self.scratch.keep("log", to)
    }

    pub async fn stop(mut self) {
        for process in std::mem::take(&mut self.processes) {
            process.stop().await;
        }
        self.world.abort(|_, _| true);
    }
}

/// Socket, fronts, proxy, and the CA where nodes and coordinator look for it.
async fn serve(
    world: &Arc<World>,
    scratch: &Scratch,
    exe: &Path,
    addresses: &Addresses,
    carry: &BTreeSet<String>,
) -> anyhow::Result<JoinSet<()>> {
    let shape = &world.shape;
    let names = shape.control_planes.iter().map(|n| shape.address(n)).chain([format!("{}.1", shape.network)]);
    let ips = names.map(|a| a.parse()).collect::<Result<Vec<IpAddr>, _>>()?;
    let pki = pki::make(&ips)?;
    scratch.write("head/kubernetes-ca.crt", &pki.ca, 0o644)?;
    for node in &shape.control_planes {
        scratch.write(
            &format!("nodes/{node}/etc/kubernetes/pki/{}/ca.crt", shape.cluster),
            &pki.ca,
            0o600,
        )?;
    }
    let path = scratch.at("lab.sock");
    let listener = UnixListener::bind(&path).with_context(|| path.display().to_string())?;
    tree::tools(world, scratch, exe, &path, carry)?;
    let vip = TcpListener::bind(&addresses.vip).await.with_context(|| addresses.vip.clone())?;
    let mut tasks = JoinSet::new();
    tasks.spawn(socket::keep(world.clone(), listener));
    tasks.spawn(proxy::keep(world.clone(), vip));
    for node in &shape.control_planes {
        tasks.spawn(front::keep(world.clone(), node.clone(), pki.acceptor.clone()));
    }
    Ok(tasks)
}
