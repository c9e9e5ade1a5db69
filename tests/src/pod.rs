//! A whole SuperPOD in one process: World, an agent for each node, one coordinator at a time, and a journal that outlives it.

mod parts;

pub use parts::Victim;

use crate::cut::{Cut, CutJournal, CutLedger};
use crate::direct::config;
use crate::link::{Board, Mischief, PodLink};
use crate::prober::WorldProber;
use crate::sabotage::Sabotage;
use crate::wire::WorldCertificates;
use podlift_agent::{Agent, Seams};
use podlift_common::tls::Subject;
use podlift_coordinator::backup::BackupSettings;
use podlift_coordinator::cluster::KubeCluster;
use podlift_coordinator::core::Settings;
use podlift_coordinator::dispatch::HubSettings;
use podlift_coordinator::exec::ExecSettings;
use podlift_coordinator::journal::MemoryJournal;
use podlift_coordinator::{Command, Coordinator, CoordinatorError, Hub, Parts, PlanAsk, Store};
use podlift_engine::machine::{RunState, RunStatus};
use podlift_engine::program::{Limit, PlanOptions};
use podlift_lab::{HEAD_NODE, Shape, World};
use podlift_model::{ClusterName, InstanceId, KubeVersion, NodeName, RunId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const TO: KubeVersion = KubeVersion::new(1, 32, 9);
/// Longer than any run that ends.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

struct AgentTask {
    task: JoinHandle<()>,
    cut: Arc<Cut>,
    agent: Arc<Agent>,
}

struct Command_ {
    coordinator: Arc<Coordinator>,
    hub: Arc<Hub>,
    task: JoinHandle<()>,
    cut: Arc<Cut>,
}

pub struct Pod {
    pub world: Arc<World>,
    pub journal: MemoryJournal,
    pub sabotage: Sabotage,
    pub options: PlanOptions,
    /// Of the request for a plan; `None` if the options say it.
    pub max_unavailable: Option<Limit>,
    /// Workers that a plan leaves out.
    pub without: Vec<String>,
    pub waivers: Vec<(String, String)>,
    pub mischief: Mischief,
    /// Mode of the agents' heal.
    pub heal: podlift_agent::config::Mode,
    /// Where coordinators keep backups: in memory, because each member is fsynced.
    backups: tempfile::TempDir,
    board: Board,
    agents: BTreeMap<String, AgentTask>,
    command: Option<Command_>,
    starts: u32,
}

impl Pod {
    /// The World runs, agents and coordinator do not yet.
    pub fn new(shape: Shape, sabotage: Sabotage) -> Self {
        let world = World::new(shape);
        world.start();
        Self {
            world,
            journal: MemoryJournal::new(),
            sabotage,
            options: PlanOptions {
                soak_seconds: 10,
                canary_soak_seconds: 10,
                drain_seconds: 600,
                ..PlanOptions::default()
            },
            max_unavailable: Some(Limit::Number(2)),
            without: vec![],
            waivers: vec![],
            mischief: Mischief::None,
            heal: podlift_agent::config::Mode::Enforce,
            backups: tempfile::tempdir_in("/dev/shm").unwrap_or_else(|e| panic!("/dev/shm: {e}")),
            board: Board::default(),
            agents: BTreeMap::new(),
            command: None,
            starts: 0,
        }
    }

    pub fn nodes(&self) -> Vec<String> {
        self.world.shape.nodes().cloned().collect()
    }

    /// Where agents run: on all nodes, and on the head node if BCM has images.
    pub fn machines(&self) -> Vec<String> {
        let head = self.world.shape.images.then(|| HEAD_NODE.to_string());
        self.nodes().into_iter().chain(head).collect()
    }

    /// Agents of all machines that have none, and a coordinator.
    pub fn start(&mut self, cut: Arc<Cut>) {
        self.start_coordinator(cut);
        self.start_missing();
    }

    pub fn start_agent(&mut self, node: &str, cut: Arc<Cut>) {
        let mut config = config(&self.world, node);
        config.heal.mode = self.heal;
        let host = self.sabotage.host(self.world.host(node));
        let (ours, sabotaged) = (cut.clone(), self.sabotage.ledger());
        let wrap = move |inner| -> Arc<dyn podlift_agent::ledger::Ledger> {
            let inner = match sabotaged {
                Some(wrap) => wrap(inner),
                None => inner,
            };
            Arc::new(CutLedger { inner, cut: ours })
        };
        let seams = Seams { wrap_ledger: Some(Box::new(wrap)), ..Seams::default() };
        let agent = Agent::open_with(host, config, seams).unwrap_or_else(|e| panic!("agent of {node}: {e}"));
        let link = PodLink {
            mischief: self.mischief,
            board: self.board.clone(),
            cluster: self.cluster(),
            subject: if node == HEAD_NODE { Subject::Head(name(node)) } else { Subject::Node(name(node)) },
            cut: cut.clone(),
        };
        let task = tokio::spawn(agent.clone().run(Arc::new(link), CancellationToken::new()));
        self.agents.insert(node.into(), AgentTask { task, cut, agent });
    }

    pub fn start_coordinator(&mut self, cut: Arc<Cut>) {
        self.starts += 1;
        let clock = self.world.clock.clone();
        let journal = CutJournal::new(self.journal.clone(), cut.clone(), self.sabotage);
        let store =
            Store::open(Box::new(journal), clock.clone()).unwrap_or_else(|e| panic!("the journal: {e}"));
        let hub = Hub::new(self.cluster(), store.clone(), clock.clone(), HubSettings::default());
        let prober = Arc::new(WorldProber(self.world.clone()));
        let cluster = KubeCluster::new(self.world.kube_client(), prober, Duration::from_secs(20))
            .with_certificates(Arc::new(WorldCertificates(self.world.clone())))
            .with_watches(self.world.kube_client());
        let coordinator = Coordinator::new(Parts {
            cluster_name: self.cluster(),
            store,
            agents: self.sabotage.agents(hub.clone()),
            cluster: self.sabotage.cluster(Arc::new(cluster), &self.world),
            clock,
            instance: InstanceId::new(format!("head-{}", self.starts)).unwrap_or_else(|e| panic!("{e}")),
            settings: Settings {
                // A wait of minutes passes at once here, and twenty reads a second of it would be most of the work.
                exec: ExecSettings { read_interval: Duration::from_secs(1), ..ExecSettings::default() },
                options: self.options.clone(),
                backup: BackupSettings {
                    directory: self.backups.path().join("sets"),
                    recipients: vec![podlift_lab::RECIPIENT.parse().unwrap_or_else(|e| panic!("{e}"))],
                    ..BackupSettings::default()
                },
                copies: Some(self.backups.path().join("copies")),
                ..Settings::default()
            },
            head: self.world.shape.images.then(|| name(HEAD_NODE)),
        });
        let task = tokio::spawn(coordinator.clone().run(CancellationToken::new()));
        self.board.put(Some(hub.clone()));
        self.command = Some(Command_ { coordinator, hub, task, cut });
    }

    fn cluster(&self) -> ClusterName {
        ClusterName::new(self.world.shape.cluster.clone()).unwrap_or_else(|e| panic!("{e}"))
    }

    /// As SIGKILL.
    pub fn kill_coordinator(&mut self) {
        self.board.put(None);
        if let Some(c) = self.command.take() {
            c.cut.kill();
            c.task.abort();
            c.hub.close();
        }
    }

    /// As SIGKILL: its units go on.
    pub fn kill_agent(&mut self, node: &str) {
        if let Some(agent) = self.agents.remove(node) {
            agent.cut.kill();
            agent.task.abort();
        }
    }

    pub fn agent(&self, node: &str) -> Arc<Agent> {
        match self.agents.get(node) {
            Some(a) => a.agent.clone(),
            None => panic!("no agent runs on {node}"),
        }
    }

    pub fn coordinator(&self) -> Arc<Coordinator> {
        match &self.command {
            Some(c) => c.coordinator.clone(),
            None => panic!("no coordinator runs"),
        }
    }

    pub fn ask(&self) -> PlanAsk {
        let (waivers, without) = (self.waivers.clone(), self.without.clone());
        PlanAsk { max_unavailable: self.max_unavailable, waivers, without, ..PlanAsk::to(TO) }
    }

    /// The coordinator may command, every agent is there, and has learned its expectations.
    pub async fn ready(&self) -> Result<(), CoordinatorError> {
        let coordinator = self.coordinator();
        let ready = || async {
            let nodes = self.nodes().len();
            while coordinator.fence().epoch().is_none() || coordinator.status(None)?.nodes.len() < nodes {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok::<(), CoordinatorError>(())
        };
        // Expectations are learned from API servers that are ready.
        tokio::time::sleep(Duration::from_secs(90)).await;
        match tokio::time::timeout(PATIENCE, ready()).await {
            Ok(ready) => ready,
            Err(_) => Ok(()),
        }
    }

    /// Starts a run as soon as all is ready.
    pub async fn start_run(&self) -> Result<RunId, CoordinatorError> {
        self.ready().await?;
        let start = self.coordinator();
        let (run, _) = start.start_run(&self.ask(), None, "spiffe://podlift/c/operator/ann").await?;
        Ok(run)
    }

    /// Waits until the run rests: over, or paused. None: the coordinator died, or nothing happened for a day.
    pub async fn rest(&self) -> Option<Arc<RunState>> {
        let command = self.command.as_ref()?;
        let store = command.coordinator.store().clone();
        let mut head = store.subscribe();
        let wait = async {
            loop {
                if let Some(state) = store.newest()
                    && !matches!(state.status, RunStatus::Running | RunStatus::Aborting { .. })
                    && !state.steps.values().any(|s| s.is_open())
                {
                    return Some(state);
                }
                head.changed().await.ok()?;
            }
        };
        tokio::select! {
            state = tokio::time::timeout(PATIENCE, wait) => state.ok().flatten(),
            () = command.cut.fell() => None,
        }
    }

    pub async fn say(&self, command: Command) -> Result<String, CoordinatorError> {
        self.coordinator().command(None, command, "spiffe://podlift/c/operator/ann").await
    }

    pub fn state(&self) -> Option<Arc<RunState>> {
        self.command.as_ref().and_then(|c| c.coordinator.store().newest())
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        self.kill_coordinator();
        for node in self.machines() {
            self.kill_agent(&node);
        }
        self.world.abort(|_, _| true);
    }
}

pub fn name(node: &str) -> NodeName {
    NodeName::new(node).unwrap_or_else(|e| panic!("{e}"))
}

/// Why a run rests, for messages of tests.
pub fn why(state: &RunState) -> String {
    match &state.status {
        RunStatus::Paused { reason } => {
            format!("paused: {} ({}); next: {}", reason.message, reason.code, reason.next)
        }
        other => format!("{other:?}"),
    }
}
