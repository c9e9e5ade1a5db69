//! A small fleet that carries out requests at once, for the tests of this crate: one control-plane node more than a majority needs, two
//! workers, v1.31.9. Faults are switched on by name.

mod agents;
mod backup;
mod bcm;
mod cluster;
mod fleet;
mod net;
mod work;

pub use bcm::{HEAD, Site};
pub use fleet::{Fleet, name};
pub use net::{Net, secret};

use crate::core::{Coordinator, Parts, PlanAsk, Settings};
use crate::journal::{JournalError, MemoryJournal, Query, each};
use crate::store::Store;
use podlift_common::clock::TokioClock;
use podlift_engine::machine::{Record, RunState};
use podlift_engine::program::PlanOptions;
use podlift_model::{ClusterName, InstanceId, NodeName, RunId};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A coordinator over a fleet, and the guard that stops it.
pub struct Running {
    pub coordinator: Arc<Coordinator>,
    _stop: DropGuard,
}

pub fn options() -> PlanOptions {
    PlanOptions { soak_seconds: 2, wait_seconds: 60, drain_seconds: 60, ..PlanOptions::default() }
}

pub fn store(journal: &MemoryJournal) -> Arc<Store> {
    let clock = TokioClock::starting_at("2026-11-22T02:00:00Z".parse().unwrap());
    Store::open(Box::new(journal.clone()), Arc::new(clock)).unwrap()
}

/// What the journal has from record `from` on.
pub fn records(store: &Store, from: u64) -> Vec<Record> {
    let mut all = vec![];
    let read = each(store.reader().as_ref(), Query::from(from), |row| {
        all.push(row.record()?);
        Ok::<_, JournalError>(())
    });
    read.unwrap();
    all
}

/// A coordinator on a journal that may hold a run already; it does not run yet.
pub fn assemble(
    fleet: &Arc<Fleet>,
    store: Arc<Store>,
    instance: &str,
    settings: Settings,
) -> Arc<Coordinator> {
    let head = fleet.lock().site.is_some().then(|| name(HEAD));
    assemble_at(fleet, store, instance, settings, head)
}

/// The same with the head node that the configuration names.
pub fn assemble_at(
    fleet: &Arc<Fleet>,
    store: Arc<Store>,
    instance: &str,
    mut settings: Settings,
    head: Option<NodeName>,
) -> Arc<Coordinator> {
    settings.backup.directory = fleet.backups();
    Coordinator::new(Parts {
        cluster_name: ClusterName::new("runaicluster").unwrap(),
        store,
        agents: fleet.clone(),
        cluster: fleet.clone(),
        clock: Arc::new(TokioClock::starting_at("2026-11-22T02:00:00Z".parse().unwrap())),
        instance: InstanceId::new(instance).unwrap(),
        settings,
        head,
    })
}

/// Starts a coordinator.
pub fn start(fleet: &Arc<Fleet>, journal: &MemoryJournal, instance: &str) -> Running {
    start_with(fleet, journal, instance, options())
}

/// Starts a coordinator whose plans have these options.
pub fn start_with(
    fleet: &Arc<Fleet>,
    journal: &MemoryJournal,
    instance: &str,
    options: PlanOptions,
) -> Running {
    let settings = Settings { options, ..Settings::default() };
    Running::of(assemble(fleet, store(journal), instance, settings))
}

impl Running {
    /// Lets a coordinator run until the value is dropped.
    pub fn of(coordinator: Arc<Coordinator>) -> Self {
        let stop = CancellationToken::new();
        tokio::spawn(coordinator.clone().run(stop.clone()));
        Self { coordinator, _stop: stop.drop_guard() }
    }

    /// Waits until it may command, then starts a run of the whole fleet.
    pub async fn upgrade(&self) -> RunId {
        self.commanding().await;
        let ask = PlanAsk::to("v1.32.9".parse().unwrap());
        self.coordinator.start_run(&ask, None, "eve").await.unwrap().0
    }

    pub async fn commanding(&self) {
        let mut fence = self.coordinator.fence().subscribe();
        while self.coordinator.fence().commanding().is_none() {
            fence.changed().await.unwrap();
        }
    }

    /// Waits until `what` holds for the run's state. A wait without end fails here and shows the state.
    pub async fn until(&self, run: &RunId, what: impl Fn(&RunState) -> bool) -> Arc<RunState> {
        let store = self.coordinator.store();
        let mut journal = store.subscribe();
        let wait = async {
            loop {
                if let Some(state) = store.run(run).filter(|s| what(s)) {
                    return state;
                }
                journal.changed().await.unwrap();
            }
        };
        match tokio::time::timeout(Duration::from_secs(7200), wait).await {
            Ok(state) => state,
            Err(_) => {
                let state = store.run(run).unwrap();
                let todo = podlift_engine::machine::next(&state);
                let (phase, due) =
                    (state.phase().map(|p| p.name.clone()), podlift_engine::machine::batch_due(&state));
                panic!(
                    "not reached; run {:?}, phase {phase:?}, batch due {due}, waits {:?}, next {todo:#?}",
                    state.status, state.batch_waits
                );
            }
        }
    }
}
