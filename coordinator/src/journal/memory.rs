//! A journal in memory, which lives as long as any clone of it. It serves tests that restart a coordinator, and never a real one.

use super::{Journal, JournalError, PAGE_BYTES, Query, Records, Row};
use jiff::Timestamp;
use podlift_engine::machine::{Event, Record, seal};
use podlift_model::{Epoch, RunId};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Clones share the records.
#[derive(Clone, Default)]
pub struct MemoryJournal {
    records: Arc<Mutex<Vec<Record>>>,
    /// Runs whose records were emptied.
    emptied: Arc<Mutex<BTreeSet<RunId>>>,
}

impl MemoryJournal {
    pub fn new() -> Self {
        Self::default()
    }

    /// A journal that holds these records, even if they do not form a chain.
    pub fn of(records: Vec<Record>) -> Self {
        Self { records: Arc::new(Mutex::new(records)), ..Self::default() }
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

    fn head(&self) -> u64 {
        self.lock().len() as u64
    }

    fn reader(&self) -> Arc<dyn Records> {
        Arc::new(self.clone())
    }

    fn empty(&mut self, run: &RunId, _most: usize) -> Result<usize, JournalError> {
        let left = self.count(&Query::run(Some(run), 0))?;
        self.emptied.lock().unwrap_or_else(PoisonError::into_inner).insert(run.clone());
        Ok(usize::try_from(left).unwrap_or(usize::MAX))
    }

    fn compact(&mut self) -> Result<(), JournalError> {
        Ok(())
    }
}

impl Records for MemoryJournal {
    fn page(&self, query: &Query) -> Result<Vec<Row>, JournalError> {
        let records = self.lock();
        // Record numbers start at 1 and have no gaps.
        let first = usize::try_from(query.from.saturating_sub(1)).unwrap_or(usize::MAX).min(records.len());
        let emptied = self.emptied.lock().unwrap_or_else(PoisonError::into_inner);
        let there = |r: &&Record| r.run.as_ref().is_none_or(|run| !emptied.contains(run));
        let mine = records[first..].iter().filter(there).filter(|r| query.matches(r));
        match query.newest_first {
            true => rows(mine.rev(), query.most()),
            false => rows(mine, query.most()),
        }
    }

    fn count(&self, query: &Query) -> Result<u64, JournalError> {
        let emptied = self.emptied.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let there = |r: &&Record| r.run.as_ref().is_none_or(|run| !emptied.contains(run));
        Ok(self.lock().iter().filter(there).filter(|r| query.matches(r)).count() as u64)
    }
}

fn rows<'a>(records: impl Iterator<Item = &'a Record>, most: usize) -> Result<Vec<Row>, JournalError> {
    let file: Arc<Path> = Path::new("memory").into();
    let (mut out, mut bytes) = (vec![], 0);
    for record in records.take(most) {
        if bytes >= PAGE_BYTES {
            break;
        }
        let json = serde_json::to_string(record).map_err(|e| JournalError::Refused(e.to_string()))?;
        bytes += json.len();
        out.push(Row { seq: record.seq, json, file: file.clone() });
    }
    Ok(out)
}
