//! Metrics of a coordinator for Prometheus. All data about runs is folded from the journal (`tally`) or read from its fold (`run`). Data of
//! this process is read from its source (`fleet`, `journal`) or measured (`meters`). No second bookkeeping exists that could disagree with
//! `podlift status`. The metrics decide nothing.

mod fleet;
mod journal;
mod run;
mod sentinel;
mod tally;
mod watches;

pub use journal::Metered;

use crate::core::Coordinator;
use crate::journal::archive::Archives;
use crate::journal::{JournalError, Query, each};
use crate::store::Store;
use podlift_common::metrics;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tally::Tally;

/// All metric families of a coordinator. All names begin with `podlift_`.
pub struct Metrics {
    registry: Registry,
    tally: Mutex<Tally>,
    store: Arc<Store>,
    archives: Option<Archives>,
}

impl Metrics {
    /// `journal` is the journal's file; `None` if it has none.
    pub fn new(coordinator: &Arc<Coordinator>, journal: Option<&Path>) -> Self {
        let mut registry = Registry::with_prefix("podlift");
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "This coordinator", build);
        let tally = Tally::default();
        tally.register(&mut registry);
        coordinator.meters().register(&mut registry);
        registry.register_collector(Box::new(watches::Watches(coordinator.meters().api.clone())));
        let store = coordinator.store().clone();
        registry.register_collector(Box::new(run::Runs(store.clone(), coordinator.agents().clone())));
        registry.register_collector(Box::new(fleet::Fleet(coordinator.clone())));
        registry.register_collector(Box::new(sentinel::Sentinel(coordinator.clone())));
        registry.register_collector(Box::new(journal::Size {
            store: store.clone(),
            file: journal.map(Into::into),
        }));
        Self { registry, tally: Mutex::new(tally), store, archives: coordinator.archives().cloned() }
    }

    /// The text of one scrape. It reads the records since the last scrape; the first call reads the whole journal, and before it the files
    /// of archived runs, so that counters do not fall after a restart.
    pub fn page(&self) -> Result<String, std::fmt::Error> {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if tally.is_new() {
            self.archived(&mut tally);
        }
        let counted = each(self.store.reader().as_ref(), Query::from(tally.next()), |row| {
            tally.take(&row.record()?);
            Ok::<_, JournalError>(())
        });
        // An incomplete page would look like a complete one.
        if let Err(error) = counted {
            tracing::error!(%error, "no metrics: the journal can't be read");
            return Err(std::fmt::Error);
        }
        metrics::encode(&self.registry)
    }

    /// Counts the records of archived runs. If a file can't be read, its runs are not counted, and the rest is.
    fn archived(&self, tally: &mut Tally) {
        let Some(archives) = &self.archives else { return };
        let marked = self.store.all_archived();
        tally.leave_out(marked.keys().cloned());
        let files: BTreeSet<String> = marked.into_values().map(|a| a.file).collect();
        for file in files {
            if let Err(error) = archives.each(&file, |record| tally.take_archived(&record)) {
                tracing::warn!(file, %error, "metrics: the runs of an archive are not counted");
            }
        }
    }
}

#[cfg(test)]
mod tests;
