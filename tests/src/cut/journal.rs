//! A journal whose coordinator dies at a record.

use super::Cut;
use crate::sabotage::Sabotage;
use podlift_coordinator::journal::{Journal, JournalError, MemoryJournal, Records};
use podlift_engine::machine::{Event, Record, seal};
use podlift_model::{Epoch, RunId};
use std::sync::Arc;

pub struct CutJournal {
    inner: MemoryJournal,
    cut: Arc<Cut>,
    sabotage: Sabotage,
    /// Sabotage: an intent that is only in the coordinator's mind until the next record, and dies with it.
    unwritten: Option<Record>,
}

impl CutJournal {
    pub fn new(inner: MemoryJournal, cut: Arc<Cut>, sabotage: Sabotage) -> Self {
        Self { inner, cut, sabotage, unwritten: None }
    }

    fn catch_up(&mut self) -> Result<(), JournalError> {
        let Some(r) = self.unwritten.take() else { return Ok(()) };
        self.inner.append(r.seq - 1, r.at, r.run, r.epoch, r.event).map(drop)
    }
}

impl Journal for CutJournal {
    fn append(
        &mut self,
        seq: u64,
        at: jiff::Timestamp,
        run: Option<RunId>,
        epoch: Option<Epoch>,
        event: Event,
    ) -> Result<Record, JournalError> {
        let cut = self.cut.clone();
        let write = || {
            self.catch_up()?;
            if self.sabotage == Sabotage::IntentAfterAct && matches!(event, Event::StepStarted { .. }) {
                let record = seal(self.inner.records().last(), at, run, epoch, event);
                self.unwritten = Some(record.clone());
                return Ok(record);
            }
            self.inner.append(seq, at, run, epoch, event)
        };
        cut.write(write).unwrap_or_else(|| Err(JournalError::Refused("the coordinator is dead".into())))
    }
    /// Records in memory are not readable: readers see what is durable.
    fn reader(&self) -> Arc<dyn Records> {
        self.inner.reader()
    }
    fn empty(&mut self, _: &RunId, _: usize) -> Result<usize, JournalError> {
        Err(JournalError::Refused("nothing is archived here".into()))
    }
    fn compact(&mut self) -> Result<(), JournalError> {
        Ok(())
    }
    fn head(&self) -> u64 {
        self.inner.head() + u64::from(self.unwritten.is_some())
    }
}
