//! One agent: the heal starts first, then the ledger, then the session, until the agent is stopped. Ops that were accepted and not ended
//! are resumed before a new op starts. A part that can't be opened stays down with its reason, and the heal continues.

use crate::aside::{self, Aside};
use crate::config::{Config, InvalidSetting};
use crate::down::{Down, Part, until_up};
use crate::executor::Executor;
use crate::keeper::{self, Keeper};
use crate::kubelet_user::{self, KUBELET_CONF};
use crate::ledger::{FileLedger, Ledger, LedgerError};
use crate::link::Link;
use crate::look::SPOOL;
use crate::metrics::{Meters, Metrics};
use crate::node::Node;
use crate::ops;
use crate::start::{self, StartError};
use crate::units::Units;
use crate::{learn, session};
use podlift_host::paths;
use podlift_host::{Files, Host};
use podlift_model::MachineId;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Decorates the ledger.
pub type WrapLedger = Box<dyn FnOnce(Arc<dyn Ledger>) -> Arc<dyn Ledger> + Send>;

/// What tests decorate, and what only the process knows.
pub struct Seams {
    /// The argv prefix before `record-exit OP` in a unit's ExecStopPost.
    pub recorder: Vec<String>,
    /// Decorator of the ledger.
    pub wrap_ledger: Option<WrapLedger>,
    /// When the runtime that carries the session was built. Heartbeats are in step with it.
    pub origin: Option<Instant>,
}

impl Default for Seams {
    fn default() -> Self {
        let recorder = ["/usr/bin/podlift-agent", "--root", "/"].map(String::from).to_vec();
        Self { recorder, wrap_ledger: None, origin: None }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    #[error("{path} can't be read ({why}); an agent binds its memory to its machine and to its boot")]
    Identity { path: &'static str, why: String },
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(
        "{config} says node = \"{ours}\", and {KUBELET_CONF} speaks for node \"{theirs}\": kubeadm would look for another Node than podlift; set node = \"{theirs}\" in {config} and give the agent a certificate for that name (podlift cert issue node {theirs}), or put this machine's own kubelet.conf back if that one is another machine's",
        config = paths::CONFIG
    )]
    OtherName { ours: String, theirs: String },
}

impl OpenError {
    /// The reason as a metric label.
    fn why(&self) -> &'static str {
        match self {
            Self::Setting(_) => "config",
            Self::Identity { path, .. } if *path == paths::BOOT_ID => "boot-id",
            Self::Identity { .. } => "machine-id",
            Self::Start(e) => e.why(),
            Self::Ledger(e) => e.why(),
            Self::OtherName { .. } => "node-name",
        }
    }
}

impl From<OpenError> for Down {
    fn from(error: OpenError) -> Self {
        Self::new(error.why(), error)
    }
}

pub struct Agent {
    pub(crate) node: Arc<Node>,
    keeper: Arc<Keeper>,
    metrics: Metrics,
}

/// Ends the tasks of an agent, also if its future is dropped.
struct Ending(Arc<Executor>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.shutdown();
    }
}

impl Agent {
    pub fn open(host: Host, config: Config) -> Result<Arc<Self>, OpenError> {
        Self::open_with(host, config, Seams::default())
    }

    pub fn open_with(host: Host, config: Config, seams: Seams) -> Result<Arc<Self>, OpenError> {
        let keeper = Keeper::open(host, config.own_heal(), &config.node, config.may_be_apart());
        Self::beside(keeper, config, seams)
    }

    /// Opens everything except the heal, which already runs.
    pub(crate) fn beside(keeper: Arc<Keeper>, config: Config, seams: Seams) -> Result<Arc<Self>, OpenError> {
        config.check()?;
        let host = keeper.host.clone();
        let files = host.files.as_ref();
        config.bcm.api.iter().try_for_each(|api| api.check(files))?;
        let identity = |path| move |why| OpenError::Identity { path, why };
        let machine = keeper::id(files, paths::MACHINE_ID).map_err(identity(paths::MACHINE_ID))?;
        let boot = keeper::boot_id(files).map_err(identity(paths::BOOT_ID))?;
        start::one_file_system(files, config.may_be_apart())?;
        own_name(files, &config)?;
        let ledger: Arc<dyn Ledger> = Arc::new(FileLedger::open(host.files.clone(), &config.node, &machine)?);
        let ledger = match seams.wrap_ledger {
            Some(wrap) => wrap(ledger),
            None => ledger,
        };
        let machine = MachineId::new(machine).map_err(|e| identity(paths::MACHINE_ID)(e.to_string()))?;
        start::manifests(files, config.role, keeper.heal.expectations().is_some())?;
        // Removes the remains of an interrupted transfer.
        drop(
            files.remove_tree(Path::new(SPOOL)).inspect_err(|error| tracing::warn!(%error, "{SPOOL} stays")),
        );
        drop(ops::prune(files).inspect_err(|failure| tracing::warn!(%failure, "old snapshots stay")));
        let units = Units {
            commands: host.commands.clone(),
            files: host.files.clone(),
            clock: host.clock.clone(),
            boot: boot.clone(),
            recorder: seams.recorder,
            path: config.commands.joined(),
            poll: config.ops.poll,
        };
        let (running, changes) = (Mutex::default(), AtomicU64::new(0));
        let meters = Meters::default();
        let node = Arc::new(Node {
            host,
            config,
            boot,
            machine,
            ledger,
            heal: keeper.heal.clone(),
            units,
            running,
            changes,
            meters,
            aside: Aside::default(),
            apt_root: tokio::sync::Mutex::default(),
            bcm: Arc::default(),
            spool: tokio::sync::Mutex::default(),
            origin: seams.origin,
        });
        let metrics = Metrics::new(&keeper, &node);
        Ok(Arc::new(Self { node, keeper, metrics }))
    }

    /// The text of one scrape of the metrics.
    pub fn metrics(&self) -> Result<String, std::fmt::Error> {
        self.metrics.page()
    }

    /// Heals, runs ops and keeps the session until `stop` is cancelled. Dropping the future ends all its tasks; units continue.
    pub async fn run(self: Arc<Self>, link: Arc<dyn Link>, stop: CancellationToken) {
        let executor = Executor::new(self.node.clone());
        let _ending = Ending(executor.clone());
        let (healing, asked) = (self.keeper.clone(), self.keeper.clone());
        // These are separate tasks, so that neither the session nor learning delays a repair.
        executor.spawn(async move { healing.heal(None).await });
        executor.spawn(async move { asked.answer().await });
        self.serve(executor, || Ok(link.clone()), stop).await;
    }

    /// Like `run`, for a process that heals on another thread. `link` is called again until it returns a link.
    pub(crate) async fn work(
        self: Arc<Self>,
        link: impl FnMut() -> Result<Arc<dyn Link>, Down>,
        stop: CancellationToken,
    ) {
        let executor = Executor::new(self.node.clone());
        let _ending = Ending(executor.clone());
        self.serve(executor, link, stop).await;
    }

    async fn serve(
        &self,
        executor: Arc<Executor>,
        link: impl FnMut() -> Result<Arc<dyn Link>, Down>,
        stop: CancellationToken,
    ) {
        executor.recover();
        if !self.node.config.is_head() {
            let (learning, aside) = (self.node.clone(), self.node.clone());
            executor.spawn(async move { learn::learn(&learning).await });
            executor.spawn(async move { aside::keep(&aside).await });
        }
        let session = async {
            let link = until_up(&self.keeper.downs, Part::Session, link).await;
            session::run(self.node.clone(), executor, link).await;
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = session => {}
        }
    }
}

/// Checks that the configured name is the name by which the cluster knows this machine's kubelet.
fn own_name(files: &dyn Files, config: &Config) -> Result<(), OpenError> {
    match kubelet_user::node_name(files) {
        Some(theirs) if theirs != config.node.as_str() && !config.is_head() => {
            Err(OpenError::OtherName { ours: config.node.to_string(), theirs })
        }
        _ => Ok(()),
    }
}
