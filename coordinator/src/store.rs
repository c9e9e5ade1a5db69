//! The one writer: the journal, and the states folded from it. An event that does not fit its run is refused before anything is written.
//! The states may be behind the journal, never ahead of it.

pub use crate::fold::Archived;
use crate::fold::Fold;
use crate::journal::{Journal, JournalError, Query, Records, each};
use jiff::Timestamp;
use podlift_common::clock::Clock;
use podlift_engine::goals::Earlier;
use podlift_engine::machine::{ArchivedRun, Event, IllegalEvent, Record, RunState};
use podlift_engine::program::Attestation;
use podlift_engine::view::Sentinels;
use podlift_model::{Epoch, LedgerId, NodeName, RunId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::watch;

/// Two locks, so that a question about the state never waits for a disk. `writer` is held while a record becomes durable, `fold` only while
/// the state in memory changes or is read. Code that needs both takes `writer` first.
pub struct Store {
    writer: Mutex<Box<dyn Journal>>,
    fold: RwLock<Fold>,
    records: Arc<dyn Records>,
    head: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
}

/// Records emptied in one transaction. An append waits for at most one transaction.
const EMPTIED_AT_ONCE: usize = 100;
/// Pause between two transactions. The lock is not fair: without a pause an append might wait for all of them.
const PAUSE: Duration = Duration::from_millis(3);

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Illegal(#[from] IllegalEvent),
    #[error(
        "journal record {seq} does not follow from those before it: {source}. Was it written by another podlift? Start that one"
    )]
    Replay { seq: u64, source: IllegalEvent },
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl StoreError {
    /// Stable code, for machines.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Illegal(_) => "illegal-event",
            StoreError::Replay { .. } => "journal-replay",
            StoreError::Journal(error) => error.code(),
        }
    }
}

impl Store {
    /// Reads the journal page by page and folds it.
    pub fn open(journal: Box<dyn Journal>, clock: Arc<dyn Clock>) -> Result<Arc<Self>, StoreError> {
        let (records, mut fold) = (journal.reader(), Fold::default());
        // The marks are read first, because later records may depend on the end of an archived run, whose records are empty.
        each(records.as_ref(), Query::kind("runs-archived"), |row| {
            fold.expect(&row.record()?);
            Ok::<_, StoreError>(())
        })?;
        each(records.as_ref(), Query::from(0), |row| {
            let record = row.record()?;
            fold.replay(&record).map_err(|source| StoreError::Replay { seq: record.seq, source })
        })?;
        let head = watch::Sender::new(journal.head());
        let (writer, fold) = (Mutex::new(journal), RwLock::new(fold));
        Ok(Arc::new(Self { writer, fold, records, head, clock }))
    }

    /// Appends an event of a run, or of the fleet.
    pub fn append(&self, run: Option<&RunId>, event: Event) -> Result<Record, StoreError> {
        self.write(&mut self.writer(), run, event)
    }

    /// Appends the event that `decide` returns for the run's state, if any. No other record is written in between.
    pub fn append_with(
        &self,
        run: &RunId,
        decide: impl FnOnce(&RunState) -> Option<Event>,
    ) -> Result<Option<Record>, StoreError> {
        let mut writer = self.writer();
        let state = self.run(run);
        let event = state.and_then(|state| decide(&state));
        event.map(|event| self.write(&mut writer, Some(run), event)).transpose()
    }

    /// Appends the mark of an archive if each of its runs has exactly the records that the mark counts; `None` if one differs.
    pub fn append_mark(&self, mark: Event) -> Result<Option<Record>, StoreError> {
        let mut writer = self.writer();
        if let Event::RunsArchived { runs, .. } = &mark {
            let fold = self.fold();
            let same = |r: &ArchivedRun| fold.runs.get(&r.run).is_some_and(|s| s.events == r.records);
            if !runs.iter().all(same) {
                return Ok(None);
            }
        }
        self.write(&mut writer, None, mark).map(Some)
    }

    /// `journal` is the locked writer, so the state that is read here cannot change before the write.
    fn write(
        &self,
        journal: &mut Box<dyn Journal>,
        run: Option<&RunId>,
        event: Event,
    ) -> Result<Record, StoreError> {
        let at = self.clock.now();
        let state = self.fold().next_state(run, at, &event)?;
        let (head, epoch) = (journal.head(), self.epoch());
        let record = journal.append(head, at, run.cloned(), epoch, event)?;
        self.fold_mut().take(&record, state);
        self.head.send_replace(record.seq);
        Ok(record)
    }

    /// Sets the epoch for every record from now on.
    pub fn set_epoch(&self, epoch: Option<Epoch>) {
        self.fold_mut().held = epoch;
    }

    /// The epoch that this coordinator holds, or held last.
    pub fn epoch(&self) -> Option<Epoch> {
        self.fold().held.clone()
    }

    /// The highest epoch in the journal.
    pub fn last_epoch(&self) -> Option<Epoch> {
        self.fold().epoch.clone()
    }

    pub fn run(&self, run: &RunId) -> Option<Arc<RunState>> {
        self.fold().runs.get(run).cloned()
    }

    /// The run that was started last.
    pub fn newest(&self) -> Option<Arc<RunState>> {
        let fold = self.fold();
        fold.newest.as_ref().and_then(|run| fold.runs.get(run).cloned())
    }

    /// The run that is not over; at most one exists. It waits for an append in progress, so that a loop that calls it stops while the
    /// writer hangs, and the watchdog notices.
    pub fn open_run(&self) -> Option<Arc<RunState>> {
        let _writer = self.writer();
        self.fold().runs.values().find(|s| !s.is_over()).cloned()
    }

    /// What the ended runs have left for a new plan.
    pub fn earlier(&self) -> Earlier {
        let mut over: Vec<Arc<RunState>> =
            self.fold().runs.values().filter(|s| s.is_over()).cloned().collect();
        over.sort_by_key(|state| (state.started, state.run.clone()));
        Earlier::of(over.iter().map(Arc::as_ref))
    }

    pub fn runs(&self) -> Vec<RunId> {
        self.fold().runs.keys().cloned().collect()
    }

    /// The archive of a run that the journal no longer holds.
    pub fn archived(&self, run: &RunId) -> Option<Archived> {
        self.fold().archived.get(run).cloned()
    }

    /// Every archived run.
    pub fn all_archived(&self) -> BTreeMap<RunId, Archived> {
        self.fold().archived.clone()
    }

    /// Removes what the journal holds of an archived run besides its hashes. Returns the number of emptied records; does nothing if the
    /// journal has no mark of the run. It is for a thread that may wait.
    pub fn free(&self, run: &RunId) -> Result<u64, JournalError> {
        let mut freed = 0;
        // Small batches let appends proceed in between.
        while self.archived(run).is_some() {
            let emptied = self.writer().empty(run, EMPTIED_AT_ONCE)?;
            if emptied == 0 {
                break;
            }
            freed += emptied as u64;
            std::thread::sleep(PAUSE);
        }
        Ok(freed)
    }

    /// Shrinks the file by the freed room. It takes about a second for each 100 MB, and blocks every append meanwhile.
    pub fn compact(&self) -> Result<(), JournalError> {
        self.writer().compact()
    }

    /// Whether the name is a run in the journal or an archive, a run that an operator adopted, or a backup.
    pub fn knows(&self, run: &RunId) -> bool {
        let fold = self.fold();
        fold.runs.contains_key(run) || fold.archived.contains_key(run) || fold.adopted.contains(run)
    }

    /// The memory that an agent had when it was last seen.
    pub fn ledger(&self, node: &NodeName) -> Option<LedgerId> {
        self.fold().ledgers.get(node).cloned()
    }

    /// Attestations of people for the next run.
    pub fn attestations(&self) -> Vec<Attestation> {
        self.fold().attested.all().to_vec()
    }

    /// What the sentinel sees and has not cleared.
    pub fn sentinels(&self) -> Sentinels {
        self.fold().sentinels.clone()
    }

    /// When the last repairs of an object ended that created it, oldest first.
    pub fn mended(&self, object: &str) -> Vec<Timestamp> {
        self.fold().mended.get(object).cloned().unwrap_or_default()
    }

    /// Whether this node has reported the heal. Agents choose the ids, and one agent's id must not hide another's heal.
    pub fn knows_heal(&self, node: &NodeName, id: &str) -> bool {
        self.fold().heals.get(node).is_some_and(|ids| ids.contains(id))
    }

    /// The appended records, for readers. Readers never wait for an append.
    pub fn reader(&self) -> &Arc<dyn Records> {
        &self.records
    }

    pub fn head(&self) -> u64 {
        *self.head.borrow()
    }

    /// The number of the last record, with each change.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    fn writer(&self) -> MutexGuard<'_, Box<dyn Journal>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fold(&self) -> RwLockReadGuard<'_, Fold> {
        self.fold.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn fold_mut(&self) -> RwLockWriteGuard<'_, Fold> {
        self.fold.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
