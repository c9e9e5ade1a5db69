//! The coordinator as a whole, without a wire. The gRPC services are thin wrappers of it, and tests run it in process.

mod archive;
mod ask;
mod backup;
mod clusters;
mod commands;
mod decisions;
mod error;
mod history;
mod lost;
mod node_ask;
mod notes;
mod people;
#[cfg(test)]
mod people_tests;
mod plans;
mod release;
#[cfg(test)]
mod release_tests;
mod secret;
mod seen_plans;
mod show;
mod start;
#[cfg(test)]
mod start_tests;
mod validate;

pub use ask::PlanAsk;
pub use backup::BackupAsk;
pub use commands::Command;
pub use error::CoordinatorError;
pub use plans::SharedPlan;

use crate::backup::{BackupSettings, Backups};
use crate::cluster::Cluster;
use crate::dispatch::Agents;
use crate::exec::{Desk, ExecSettings, Fence, HeadLooks, Lines, Owners, Performer, Planner, Probes, Runner};
use crate::head::{Head, Managed};
use crate::journal::archive::Archives;
use crate::meters::Meters;
use crate::sentinel::{Copies, Keeper, Sentinel, SentinelSettings};
use crate::store::Store;
use crate::validate::{ValidateSettings, Validator};
use plans::Plans;
use podlift_common::clock::Clock;
use podlift_engine::program::PlanOptions;
use podlift_model::{ClusterName, Epoch, InstanceId, NodeName};
use seen_plans::SeenPlans;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The parts of a coordinator; each may be a fake.
pub struct Parts {
    pub cluster_name: ClusterName,
    pub store: Arc<Store>,
    pub agents: Arc<dyn Agents>,
    pub cluster: Arc<dyn Cluster>,
    pub clock: Arc<dyn Clock>,
    pub instance: InstanceId,
    pub settings: Settings,
    /// Name of the head node whose agent answers for BCM; `None` if BCM is not asked.
    pub head: Option<NodeName>,
}

#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub exec: ExecSettings,
    /// Options of a plan whose request does not set them.
    pub options: PlanOptions,
    /// Age from which facts are marked as stale. Three heartbeats by default.
    pub stale_after: Option<Duration>,
    pub backup: BackupSettings,
    /// How long a node may take for its survey. A minute by default.
    pub survey_timeout: Option<Duration>,
    /// Where records of archived runs go; `None` if the journal is not a file, and then nothing is archived.
    pub archives: Option<Archives>,
    /// Where copies of TLS secrets are kept, encrypted for this host; in memory alone without it.
    pub copies: Option<PathBuf>,
    pub sentinel: SentinelSettings,
    pub validate: ValidateSettings,
}

const STALE: Duration = Duration::from_secs(15);
const SURVEY: Duration = Duration::from_secs(60);

pub struct Coordinator {
    cluster_name: ClusterName,
    store: Arc<Store>,
    performer: Performer,
    clock: Arc<dyn Clock>,
    instance: InstanceId,
    settings: Settings,
    fence: Arc<Fence>,
    planner: Planner,
    seen_plans: SeenPlans,
    plans: Plans,
    /// Only one run starts at a time. Work on its own thread holds the lock until it is done.
    starting: Arc<tokio::sync::Mutex<()>>,
    meters: Arc<Meters>,
    sentinel: Arc<Sentinel>,
    validator: Arc<Validator>,
}

impl Coordinator {
    pub fn new(parts: Parts) -> Arc<Self> {
        Self::with_meters(parts, Arc::default())
    }

    /// Like `new`, with meters that measurements outside of the coordinator also use.
    pub fn with_meters(parts: Parts, meters: Arc<Meters>) -> Arc<Self> {
        let Parts { cluster_name, store, agents, cluster, clock, instance, settings, head } = parts;
        let head = head.map(|name| Head::new(agents.clone(), name));
        let cluster = match &head {
            Some(head) => Managed::new(cluster, head.clone()) as Arc<dyn Cluster>,
            None => cluster,
        };
        let cluster = Owners::new(cluster, store.clone()) as Arc<dyn Cluster>;
        let head_name = head.as_ref().map(|head| head.name().clone());
        let backups = Backups::new(settings.backup.clone(), cluster_name.clone(), clock.clone());
        let (lines, backups) = (Lines::default(), Arc::new(backups));
        let expires_within_days = settings.sentinel.expires_within_days;
        let validator = Arc::new(Validator {
            cluster: cluster.clone(),
            agents: agents.clone(),
            store: store.clone(),
            clock: clock.clone(),
            head: head_name.clone(),
            settings: ValidateSettings { expires_within_days, ..settings.validate.clone() },
            fence: Default::default(),
            turn: Default::default(),
        });
        let keeper = Arc::new(Keeper::new(settings.copies.as_deref()));
        let copies = Copies {
            cluster,
            keeper: keeper.clone(),
            backups: backups.clone(),
            store: store.clone(),
            validator: validator.clone(),
        };
        let cluster = Arc::new(copies) as Arc<dyn Cluster>;
        let ports = (agents.clone(), cluster.clone());
        let fence = Fence::new(store.clone(), ports, instance.clone(), head_name.clone());
        drop(validator.fence.set(Arc::downgrade(&fence)));
        let head_looks = HeadLooks::default();
        let performer = Performer { agents, cluster, lines, backups, head: head_name, head_looks };
        let planner = Planner {
            cluster: cluster_name.clone(),
            performer: performer.clone(),
            clock: clock.clone(),
            head,
            survey_timeout: settings.survey_timeout.unwrap_or(SURVEY),
        };
        let sentinel = Arc::new(Sentinel {
            store: store.clone(),
            performer: performer.clone(),
            fence: fence.clone(),
            clock: clock.clone(),
            keeper,
            validator: validator.clone(),
            settings: settings.sentinel.clone(),
            options: settings.options.clone(),
            default_certificate: settings.backup.default_certificate.clone(),
            stale_after: settings.stale_after.unwrap_or(STALE),
            since: Default::default(),
        });
        Arc::new(Self {
            cluster_name,
            store,
            performer,
            clock,
            instance,
            settings,
            fence,
            planner,
            seen_plans: SeenPlans::default(),
            plans: Plans::default(),
            starting: Arc::default(),
            meters,
            sentinel,
            validator,
        })
    }

    /// Commands until `stop` is cancelled. Dropping the future has the effect of a crash.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let desk = Arc::new(Desk {
            store: self.store.clone(),
            performer: self.performer.clone(),
            fence: self.fence.clone(),
            settings: self.settings.exec.clone(),
            clock: self.clock.clone(),
        });
        let (runner, probes) = (Arc::new(Runner { desk: desk.clone() }), Probes { desk });
        tokio::join!(
            self.fence.clone().keep(self.settings.exec.poll, stop.clone()),
            runner.run(stop.clone()),
            probes.run(stop.clone()),
            self.sentinel.clone().run(stop.clone())
        );
    }

    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    #[cfg(test)]
    pub(crate) fn performer(&self) -> &Performer {
        &self.performer
    }

    pub fn agents(&self) -> &Arc<dyn Agents> {
        &self.performer.agents
    }

    /// What the sentinel sees, for status and metrics.
    pub fn sentinel(&self) -> podlift_engine::view::SentinelView {
        self.sentinel.view()
    }

    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Age from which facts are marked as stale.
    pub fn stale_after(&self) -> Duration {
        self.settings.stale_after.unwrap_or(STALE)
    }

    pub fn fence(&self) -> &Arc<Fence> {
        &self.fence
    }

    /// The epoch for reads; number 0 while none is held.
    fn reading(&self) -> Epoch {
        self.fence.epoch().unwrap_or(Epoch { number: 0, instance: self.instance.clone() })
    }

    /// The files of archived runs; `None` if the journal is not a file.
    pub fn archives(&self) -> Option<&Archives> {
        self.settings.archives.as_ref()
    }
}
