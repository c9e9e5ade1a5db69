//! A whole lab, started and stopped.

use super::configs::{self, Addresses, HealMode, Tuning};
use super::instance::Instance;
use super::processes::Processes;
use super::scratch::Scratch;
use super::{own, recorder, serve, tree};
use crate::doubles::HEAD;
use crate::load::Carried;
use crate::world::{Shape, World};
use anyhow::bail;
use podlift_common::clock::{Clock as _, SystemClock};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Done to the World before anything in it runs.
pub type Seed = Box<dyn FnOnce(&World) -> anyhow::Result<()>>;

#[derive(Default)]
pub struct Before {
    pub seed: Option<Seed>,
    /// Nodes that get no agent.
    pub without_agent: BTreeSet<String>,
}

pub struct Options {
    pub shape: Shape,
    pub heal: HealMode,
    pub coordinator: bool,
    /// This program.
    pub exe: PathBuf,
}

/// Name of the process that is the head node's agent.
const HEAD_AGENT: &str = "head-agent";
/// Name of the coordinator's process, and of the one that `start_second` adds.
pub const COORDINATOR: &str = "coordinator";
pub const SECOND: &str = "second";

/// How long agents and coordinator may take to meet: so much, and so much more for each agent.
const MEET: Duration = Duration::from_secs(30);
const MEET_EACH: Duration = Duration::from_millis(500);

/// Fields end in this order: processes first (see `Drop`), the folder last.
pub struct Lab {
    pub processes: Arc<Processes>,
    carried: Carried,
    _tasks: JoinSet<()>,
    pub world: Arc<World>,
    /// Nodes that are off for good.
    lost: Mutex<BTreeSet<String>>,
    addresses: Addresses,
    tuning: Tuning,
    pub(super) scratch: Scratch,
    _instance: Instance,
}

impl Lab {
    /// The World runs, agents and coordinator are started; `ready` waits for them to have met.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        Self::start_tuned(options, Tuning::default(), Before::default()).await
    }

    /// As `start`, with the product's own configuration as a scenario wants it.
    pub async fn start_tuned(options: Options, tuning: Tuning, before: Before) -> anyhow::Result<Self> {
        let Options { shape, heal, exe, coordinator } = options;
        let instance = Instance::take()?;
        instance.check().await?;
        let network = instance.network();
        let addresses = Addresses::of(&network);
        let shape = Shape { proxy: addresses.vip.clone(), network, ..shape };
        let scratch = Scratch::new()?;
        let world = World::with_disks(shape.clone(), Arc::new(SystemClock), tree::disks(&shape, &scratch)?);
        world.set_stop_post(recorder::of(&shape));
        let processes = Arc::new(Processes::new(&exe, scratch.make_dir("log")?));
        let own = own::of(&processes, addresses.head());
        let tasks = serve::all(&world, &scratch, &exe, &addresses, &own).await?;
        if let Some(seed) = before.seed {
            seed(&world)?;
        }
        world.watch_writers();
        world.start();
        let lost = Mutex::new(before.without_agent.clone());
        let carried = Carried::default();
        let lab = Self {
            processes,
            carried,
            _tasks: tasks,
            world,
            lost,
            addresses,
            tuning,
            scratch,
            _instance: instance,
        };
        lab.configure(heal)?;
        if coordinator {
            lab.start_coordinator()?;
            lab.start_head_agent()?;
        }
        let shape = &lab.world.shape;
        let has = |node: &&String| !before.without_agent.contains(*node);
        shape.own_processes().filter(has).try_for_each(|node| lab.start_agent(node))?;
        shape.carried().iter().filter(has).try_for_each(|node| lab.carry(node))?;
        Ok(lab)
    }

    fn configure(&self, heal: HealMode) -> anyhow::Result<()> {
        let (shape, scratch, addresses) = (&self.world.shape, &self.scratch, &self.addresses);
        configs::certificates(shape, scratch, SystemClock.now())?;
        for node in shape.nodes() {
            let tools = scratch.at(&format!("bin/{node}")).display().to_string();
            let text = configs::agent(shape, node, addresses, &tools, heal);
            scratch.write(&format!("nodes/{node}/etc/podlift/agent.toml"), &text, 0o600)?;
        }
        self.configure_head()?;
        let ca = scratch.at("head/kubernetes-ca.crt").display().to_string();
        scratch.write("head/kubeconfig", &configs::kubeconfig(shape, &ca), 0o600)?;
        if let Some(policy) = &self.tuning.policy {
            scratch.write(configs::POLICY, policy, 0o644)?;
        }
        let text = configs::coordinator(shape, &addresses.coordinator, addresses, scratch, &self.tuning);
        scratch.write("head/coordinator.toml", &text, 0o600)?;
        let text = configs::command_line(&addresses.coordinator, scratch);
        scratch.write("head/podlift.toml", &text, 0o600).map(drop)
    }

    /// A machine of its own, with BCM's tools and nothing of Kubernetes.
    fn configure_head(&self) -> anyhow::Result<()> {
        let (scratch, root) = (&self.scratch, configs::HEAD_ROOT);
        let tools = scratch.at(&format!("bin/{HEAD}")).display().to_string();
        let agent = configs::head_agent(&self.world.shape, &self.addresses, &tools);
        scratch.write(&format!("{root}/etc/podlift/agent.toml"), &agent, 0o600)?;
        scratch.write(&format!("{root}/etc/machine-id"), "0123456789abcdef0123456789abcdef\n", 0o444)?;
        scratch.write(&format!("{root}/proc/sys/kernel/random/boot_id"), "boot-of-the-head\n", 0o444)?;
        Ok(())
    }

    fn start_head_agent(&self) -> anyhow::Result<()> {
        self.start_agent_below(HEAD_AGENT, configs::HEAD_ROOT)
    }

    pub fn start_coordinator(&self) -> anyhow::Result<()> {
        let config = self.scratch.at("head/coordinator.toml").display().to_string();
        self.processes.spawn(COORDINATOR, &["coordinator", "--config", &config])
    }

    /// A second coordinator on a copy of the journal, as a restored backup of the head node would be. The agents know only the first.
    pub fn start_second(&self) -> anyhow::Result<()> {
        let copy = || self.scratch.copy_files("head", "journal.db", "second");
        self.processes.frozen(COORDINATOR, copy)?;
        let (scratch, listen) = (&self.scratch, &self.addresses.second);
        let text = configs::coordinator(&self.world.shape, listen, &self.addresses, scratch, &self.tuning);
        let text = text.replace("/head/journal.db", "/second/journal.db");
        let config = scratch.write("second/coordinator.toml", &text, 0o600)?.display().to_string();
        scratch.write("second/podlift.toml", &configs::command_line(listen, scratch), 0o600)?;
        self.processes.spawn(SECOND, &["coordinator", "--config", &config])
    }

    pub fn start_agent(&self, node: &str) -> anyhow::Result<()> {
        self.start_agent_below(node, &format!("nodes/{node}"))
    }

    fn start_agent_below(&self, name: &str, root: &str) -> anyhow::Result<()> {
        let root = self.scratch.at(root).display().to_string();
        let again = format!("--exec={}", self.processes.exe().display());
        self.processes.spawn(name, &["agent", "--root", &root, &again, "--exec=agent", "run"])
    }

    /// Starts an agent in this process.
    fn carry(&self, node: &str) -> anyhow::Result<()> {
        self.carried.start(&self.world, node, &self.scratch.at(&format!("nodes/{node}")))
    }

    /// Sessions that carried agents opened so far.
    pub fn sessions_opened(&self) -> u64 {
        self.carried.opened()
    }

    /// Where the coordinator listens.
    pub fn coordinator_address(&self) -> &str {
        &self.addresses.coordinator
    }

    /// The address in front of the API servers.
    pub fn proxy(&self) -> &str {
        &self.addresses.vip
    }

    /// The address of the head node, from which other clients than the nodes come.
    pub fn head_address(&self) -> Option<IpAddr> {
        self.addresses.head()
    }

    /// Where the coordinator tells Prometheus how things are.
    pub fn metrics(&self) -> String {
        format!("http://{}/metrics", configs::metrics(&self.addresses.coordinator))
    }

    /// Writes a file of the lab's folder.
    pub fn save(&self, path: &str, text: &str) -> anyhow::Result<()> {
        self.scratch.write(path, text, 0o600).map(drop)
    }

    /// A path in the lab's folder.
    pub fn at(&self, path: &str) -> PathBuf {
        self.scratch.at(path)
    }

    pub async fn stop_process(&self, name: &str) {
        self.processes.stop(name).await;
    }

    /// Configures an agent for measuring its heal alone.
    pub fn quiet_agent(&self, node: &str) -> anyhow::Result<()> {
        let path = format!("nodes/{node}/etc/podlift/agent.toml");
        let text = podlift_common::durable::read_to_string(&self.at(&path))?;
        self.scratch.write(&path, &configs::quiet(&text), 0o600).map(drop)
    }

    /// The lab no longer waits for this node.
    pub fn give_up(&self, node: &str) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).insert(node.into());
    }

    /// Waits until the coordinator answers and has met every agent.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner).len();
        let wanted = self.world.shape.nodes().count() - lost;
        let limit = MEET + MEET_EACH * u32::try_from(wanted)?;
        let started = Instant::now();
        while started.elapsed() < limit {
            self.check_alive()?;
            let called = self.podlift(&["status", "-o", "json"], false).await?;
            let status = called.json().unwrap_or_default();
            if called.code == 0 && met(&status) >= wanted && commands(&status) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let seconds = limit.as_secs();
        bail!("coordinator and {wanted} agents did not meet within {seconds} s{}", self.log_tails())
    }

    /// A process that ended by itself is the end of the demo, with its last words.
    pub fn check_alive(&self) -> anyhow::Result<()> {
        match self.processes.ended() {
            Some((name, status)) => {
                bail!("{name} ended by itself ({status}){}", self.processes.tail(&name))
            }
            None => Ok(()),
        }
    }

    pub fn log_tails(&self) -> String {
        self.processes.tails()
    }

    pub fn keep_logs(&self, to: &Path) -> anyhow::Result<()> {
        self.scratch.keep("log", to)
    }

    pub async fn stop(self) {
        self.processes.stop_all().await;
        self.world.abort(|_, _| true);
    }
}

impl Drop for Lab {
    /// Others may hold the table, too: the processes go with the lab.
    fn drop(&mut self) {
        self.processes.clear();
    }
}

fn met(status: &Value) -> usize {
    let rows = status["nodes"].as_array().into_iter().flatten();
    rows.filter(|r| r["connected"] == true).count()
}

fn commands(status: &Value) -> bool {
    status["read_only"].is_null() && !status["epoch"].is_null()
}
