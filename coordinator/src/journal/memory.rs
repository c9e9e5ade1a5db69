//! A journal that lives as long as whoever holds a clone of it: for tests that restart a coordinator. Never for a real one.

use super::{Journal, JournalError};
use jiff::Timestamp;
use podlift_engine::machine::{Event, Record, seal};
use podlift_model::{Epoch, RunId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Clones share the records.
#[derive(Clone, Default)]
pub struct MemoryJournal {
    records: Arc<Mutex<Vec<Record>>>,
}

impl MemoryJournal {
    pub fn new() -> Self {
        Self::default()
    }

    /// All records so far.
    pub fn records(&self) -> Vec<Record> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn append(
        &mut self,
        expected_seq: u64,
        at: Timestamp,
        run: Option<RunId>,
        epoch: Option<Epoch>,
        event: Event,
    ) -> Result<Record, JournalError> {
        let mut records = self.lock();
        let head = records.len() as u64;
        if head != expected_seq {
            return Err(JournalError::Conflict { expected: expected_seq, head });
        }
        let record = seal(records.last(), at, run, epoch, event);
        records.push(record.clone());
        Ok(record)
    }

    fn read(&self, from: u64) -> Result<Vec<Record>, JournalError> {
        Ok(self.lock().iter().filter(|r| r.seq >= from).cloned().collect())
    }

    fn head(&self) -> u64 {
        self.lock().len() as u64
    }
}
