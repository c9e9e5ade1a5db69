//! One agent: opens its memory, then runs heal and session until it is told to stop. Ops that were accepted and not ended are taken up
//! again before anything new is.

use crate::config::{Config, InvalidSetting};
use crate::executor::Executor;
use crate::heal::{self, Heal};
use crate::host::Host;
use crate::ledger::{FileLedger, Ledger, LedgerError};
use crate::link::Link;
use crate::metrics::{Meters, Metrics};
use crate::node::Node;
use crate::start::{self, StartError};
use crate::units::Units;
use crate::{learn, paths, pulse, session};
use podlift_model::BootId;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Puts something around the ledger.
pub type WrapLedger = Box<dyn FnOnce(Arc<dyn Ledger>) -> Arc<dyn Ledger> + Send>;

/// What tests decorate and what only the process knows.
pub struct Seams {
    /// argv in front of `record-exit OP` in a unit's ExecStopPost.
    pub recorder: Vec<String>,
    /// Put around the ledger.
    pub wrap_ledger: Option<WrapLedger>,
    /// When the runtime was built that carries the session: heartbeats are in step with it.
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
    #[error("the heal's memory below {path} can't be read: {source}; mend its permissions, or move it away")]
    Heal { path: &'static str, source: std::io::Error },
}

pub struct Agent {
    pub(crate) node: Arc<Node>,
    metrics: Metrics,
}

/// Ends what an agent started, also when its future is dropped.
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
        config.check()?;
        let machine = read_id(&host, paths::MACHINE_ID)?;
        start::one_file_system(host.files.as_ref(), config.allow_other_filesystem)?;
        let boot = BootId::new(read_id(&host, paths::BOOT_ID)?)
            .map_err(|e| OpenError::Identity { path: paths::BOOT_ID, why: e.to_string() })?;
        let ledger: Arc<dyn Ledger> = Arc::new(FileLedger::open(host.files.clone(), &config.node, &machine)?);
        let ledger = match seams.wrap_ledger {
            Some(wrap) => wrap(ledger),
            None => ledger,
        };
        let heal = Heal::open(host.clone(), config.heal.clone(), config.node.clone(), boot.clone())
            .map_err(|source| OpenError::Heal { path: paths::HEAL, source })?;
        let learned = heal.expectations().is_some();
        start::manifests(host.files.as_ref(), config.role, learned)?;
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
            ledger,
            heal,
            units,
            running,
            changes,
            meters,
            apt_root: tokio::sync::Mutex::default(),
            origin: seams.origin,
        });
        let metrics = Metrics::new(&node);
        Ok(Arc::new(Self { node, metrics }))
    }

    /// The text of one scrape.
    pub fn metrics(&self) -> Result<String, std::fmt::Error> {
        self.metrics.page()
    }

    /// Heals and works. Ends when `stop` is cancelled. Dropping the future ends everything that it started; units go on.
    pub async fn run(self: Arc<Self>, link: Arc<dyn Link>, stop: CancellationToken) {
        let executor = Executor::new(self.node.clone());
        let _ending = Ending(executor.clone());
        let healing = self.clone();
        // A task of its own: nothing that is said or learned may hold up a repair.
        executor.spawn(async move { healing.heal(None).await });
        self.serve(executor, link, stop).await;
    }

    /// Heals, until it is dropped. It is also what systemd hears of this process.
    pub(crate) async fn heal(&self, origin: Option<Instant>) {
        heal::watch(&self.node.heal, origin, pulse::beat).await;
    }

    /// As `run`, for a process that heals elsewhere.
    pub(crate) async fn work(self: Arc<Self>, link: Arc<dyn Link>, stop: CancellationToken) {
        let executor = Executor::new(self.node.clone());
        let _ending = Ending(executor.clone());
        self.serve(executor, link, stop).await;
    }

    async fn serve(&self, executor: Arc<Executor>, link: Arc<dyn Link>, stop: CancellationToken) {
        executor.recover();
        let node = self.node.clone();
        executor.spawn(async move { learn::learn(&node).await });
        tokio::select! {
            () = stop.cancelled() => {}
            () = session::run(self.node.clone(), executor, link) => {}
        }
    }
}

fn read_id(host: &Host, path: &'static str) -> Result<String, OpenError> {
    let failed = |why: String| OpenError::Identity { path, why };
    let bytes = host.files.read(Path::new(path)).map_err(|e| failed(e.to_string()))?;
    let text = String::from_utf8_lossy(&bytes).trim().to_string();
    if text.is_empty() { Err(failed("it is empty".into())) } else { Ok(text) }
}
