//! What a coordinator tells Prometheus. Everything about runs is folded from the journal (`tally`) or read from its fold (`run`); what is
//! of this process alone is read from where it is (`fleet`, `journal`) or measured (`meters`). There is no second bookkeeping that could
//! disagree with `podlift status`. Nothing here decides anything.

mod fleet;
mod journal;
mod meters;
mod run;
mod tally;

pub use journal::Metered;
pub use meters::Meters;

use crate::core::Coordinator;
use crate::journal::{JournalError, Query, each};
use crate::store::Store;
use podlift_common::metrics;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tally::Tally;

/// All families of a coordinator; the names of all of them begin with `podlift_`.
pub struct Metrics {
    registry: Registry,
    tally: Mutex<Tally>,
    store: Arc<Store>,
}

impl Metrics {
    /// `journal` is the journal's file; None where it has none.
    pub fn new(coordinator: &Arc<Coordinator>, journal: Option<&Path>) -> Self {
        let mut registry = Registry::with_prefix("podlift");
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "This coordinator", build);
        let tally = Tally::default();
        tally.register(&mut registry);
        coordinator.meters().register(&mut registry);
        let store = coordinator.store().clone();
        registry.register_collector(Box::new(run::Runs(store.clone(), coordinator.agents().clone())));
        registry.register_collector(Box::new(fleet::Fleet(coordinator.clone())));
        registry.register_collector(Box::new(journal::Size {
            store: store.clone(),
            file: journal.map(Into::into),
        }));
        Self { registry, tally: Mutex::new(tally), store }
    }

    /// The text of one scrape. Reads what the journal got since the last one: the first call reads all of it.
    pub fn page(&self) -> Result<String, std::fmt::Error> {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = each(self.store.reader().as_ref(), Query::from(tally.next()), |row| {
            tally.take(&row.record()?);
            Ok::<_, JournalError>(())
        });
        // A page that is behind would look like one that is whole.
        if let Err(error) = counted {
            tracing::error!(%error, "no metrics: the journal can't be read");
            return Err(std::fmt::Error);
        }
        metrics::encode(&self.registry)
    }
}

#[cfg(test)]
mod tests;
