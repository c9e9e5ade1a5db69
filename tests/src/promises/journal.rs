//! The journal of a real run in a real file, altered by one byte of one record: nothing is started on it.

use crate::cut::Cut;
use crate::pod::Pod;
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_coordinator::Store;
use podlift_coordinator::journal::{Journal, JournalError, MemoryJournal, Query, Records, Row};
use podlift_engine::machine::{ChainError, Event, Record, seal, verify};
use podlift_model::{Epoch, RunId};
use std::sync::Arc;

/// Records as they came from a disk that another program wrote to.
struct Tampered {
    records: Vec<Record>,
    sabotage: Sabotage,
}

impl Journal for Tampered {
    fn append(
        &mut self,
        _: u64,
        _: jiff::Timestamp,
        _: Option<RunId>,
        _: Option<Epoch>,
        _: Event,
    ) -> Result<Record, JournalError> {
        Err(JournalError::Refused("read only".into()))
    }
    fn head(&self) -> u64 {
        self.records.len() as u64
    }
    fn reader(&self) -> Arc<dyn Records> {
        Arc::new(Self { records: self.records.clone(), sabotage: self.sabotage })
    }
    fn empty(&mut self, _: &RunId, _: usize) -> Result<usize, JournalError> {
        Err(JournalError::Refused("nothing is archived here".into()))
    }
    fn compact(&mut self) -> Result<(), JournalError> {
        Ok(())
    }
}

impl Tampered {
    fn believed(&self) -> Result<Vec<Record>, JournalError> {
        if self.sabotage == Sabotage::HashChainUnchecked {
            // The hashes are made to fit the records, as if they were never checked.
            let mut out: Vec<Record> = vec![];
            for r in &self.records {
                out.push(seal(out.last(), r.at, r.run.clone(), r.epoch.clone(), r.event.clone()));
            }
            return Ok(out);
        }
        let damaged = |source: ChainError| JournalError::Damaged { path: "journal".into(), source };
        verify(&self.records, None).map_err(damaged)?;
        Ok(self.records.clone())
    }
}

impl Records for Tampered {
    fn page(&self, query: &Query) -> Result<Vec<Row>, JournalError> {
        MemoryJournal::of(self.believed()?).page(query)
    }
    fn count(&self, query: &Query) -> Result<u64, JournalError> {
        MemoryJournal::of(self.believed()?).count(query)
    }
}

pub async fn a_tampered_journal_is_refused(sabotage: Sabotage) -> Kept {
    let mut pod = Pod::new(crate::crash::small(), Sabotage::None);
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    pod.rest().await;
    let records = pod.journal.records();
    for position in [1, records.len() / 2, records.len() - 2] {
        let mut tampered = records.clone();
        let lie = Event::ApiDown { endpoint: "vip".into(), why: "a lie".into() };
        tampered[position].event = lie;
        let opened = Store::open(Box::new(Tampered { records: tampered, sabotage }), pod.world.clock.clone());
        ensure(opened.is_err(), || format!("record {position} was altered and believed"))?;
    }
    let whole = MemoryJournal::new();
    ensure(Store::open(Box::new(whole), pod.world.clock.clone()).is_ok(), || {
        "an empty journal is refused".into()
    })?;
    let untouched = Tampered { records, sabotage };
    let opened = Store::open(Box::new(untouched), Arc::clone(&pod.world.clock));
    ensure(opened.is_ok(), || "an untouched journal is refused".into())?;
    Ok(())
}
