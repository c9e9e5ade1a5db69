//! The agent as a process: the heal on its own thread, and beside it every other part that can start. Waits for signals.

use crate::config::Config;
use crate::down::{Down, Part, until_up};
use crate::keeper::Keeper;
use crate::link::{GrpcLink, Link};
use crate::metrics::Metrics;
use crate::setup::{self, Setup};
use crate::{Agent, Seams, pulse};
use anyhow::{Context as _, bail};
use podlift_common::config::ConfigError;
use podlift_common::metrics;
use podlift_common::tls::{Connector, Expect, Material, Subject};
use podlift_host::real;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The path inside the root.
pub(crate) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Where an agent is installed, and how a unit calls it.
pub(crate) struct Place {
    pub root: PathBuf,
    pub config: PathBuf,
    /// The argv prefix before `record-exit OP`.
    pub recorder: Vec<String>,
    pub origin: Instant,
}

impl Place {
    fn seams(&self) -> Seams {
        Seams { recorder: self.recorder.clone(), origin: Some(self.origin), ..Seams::default() }
    }
}

/// Runs the agent until SIGTERM.
pub(crate) fn serve(place: &Place, setup: Setup, runtime: &tokio::runtime::Runtime) -> anyhow::Result<()> {
    let host = real::host(&place.root, &setup.commands.path)
        .with_context(|| format!("root folder {} can't be opened", place.root.display()))?;
    let keeper = Keeper::open(host, setup.heal, &setup.node, setup.allow_other_filesystem);
    let stop = CancellationToken::new();
    let healing = heal_apart(keeper.clone(), stop.clone())?;
    let done = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let asked = stop.clone();
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
            asked.cancel();
        });
        let answering = keeper.clone();
        tokio::spawn(async move { answering.answer().await });
        let page = Arc::new(Page::new(&keeper));
        let served = page.clone();
        let _metrics = metrics::serve(setup.metrics.listen, Arc::new(move || served.text())).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = work(place, &keeper, &page, &stop) => {}
        }
        pulse::stopping();
        anyhow::Ok(())
    });
    stop.cancel();
    if healing.join().is_err() {
        bail!("the heal has failed; its own words are above");
    }
    done
}

/// The metrics page: the heal's metrics at once, and all others once the other parts have started.
struct Page {
    alone: Metrics,
    agent: OnceLock<Arc<Agent>>,
}

impl Page {
    fn new(keeper: &Keeper) -> Self {
        Self { alone: Metrics::alone(keeper), agent: OnceLock::new() }
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        self.agent.get().map_or_else(|| self.alone.page(), |agent| agent.metrics())
    }
}

/// Runs everything besides the heal. A part that can't start is tried again with a fresh read of the configuration.
async fn work(place: &Place, keeper: &Arc<Keeper>, page: &Page, stop: &CancellationToken) {
    let agent = until_up(&keeper.downs, Part::Executor, || {
        Ok(Agent::beside(keeper.clone(), configuration(&place.config)?, place.seams())?)
    })
    .await;
    drop(page.agent.set(agent.clone()));
    let config = agent.node.config.clone();
    agent.work(|| link(&place.root, &config), stop.clone()).await;
}

pub(crate) fn configuration(path: &Path) -> Result<Config, Down> {
    let text = podlift_common::durable::read_to_string(path)
        .map_err(|source| Down::new("config", ConfigError::Read { path: path.into(), source }))?;
    setup::whole(&text, path)
}

pub(crate) fn link(root: &Path, config: &Config) -> Result<Arc<dyn Link>, Down> {
    let tls = |error: anyhow::Error| Down::new("tls", format!("{error:#}"));
    let material = material(root, config).map_err(tls)?;
    let connector = Connector::new(&material, Expect::Coordinator).map_err(|e| tls(e.into()))?;
    Ok(Arc::new(GrpcLink::new(config.coordinator, connector)))
}

/// Runs the heal on its own thread, so that no other part delays a repair. If the heal dies, systemd's watchdog notices, because only the
/// heal sends its pulse.
fn heal_apart(keeper: Arc<Keeper>, stop: CancellationToken) -> anyhow::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let origin = Some(Instant::now());
    let heal = move || {
        runtime.block_on(async {
            // The heal is a task, because each wakeup of the future of `block_on` itself costs one wakeup more.
            let healing = tokio::spawn(async move { keeper.heal(origin).await });
            tokio::select! {
                () = stop.cancelled() => {}
                ended = healing => drop(ended),
            }
        });
    };
    Ok(std::thread::Builder::new().name("heal".into()).spawn(heal)?)
}

/// Reads the certificates and checks that they are for this node of this cluster.
fn material(root: &Path, config: &Config) -> anyhow::Result<Material> {
    let [ca, certificate, key] =
        [&config.tls.ca, &config.tls.certificate, &config.tls.key].map(|p| below(root, p));
    let material = Material::load(&ca, &certificate, &key)?;
    let identity = &material.identity;
    if identity.cluster != config.cluster || identity.subject != config.subject() {
        let other = match (&identity.subject, config.subject()) {
            (Subject::Head(a), Subject::Node(b)) if *a == b => {
                Some("a head node's certificate: set role = \"head\" in agent.toml")
            }
            (Subject::Node(a), Subject::Head(b)) if *a == b => {
                Some("a node's certificate: remove role = \"head\" from agent.toml")
            }
            _ => None,
        };
        if let (Some(other), true) = (other, identity.cluster == config.cluster) {
            bail!("{} is {other}, or issue another one with `podlift cert issue`", certificate.display());
        }
        bail!(
            "{} speaks for {}, expected spiffe://podlift/{}/{}: issue one with `podlift cert issue`",
            certificate.display(),
            identity.uri(),
            config.cluster,
            config.subject()
        );
    }
    Ok(material)
}
