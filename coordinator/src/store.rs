//! The one writer: journal, and the states folded from it. An event that does not fit its run is refused before anything is written;
//! what is shown is always behind the journal, never ahead of it.

use crate::journal::{Journal, JournalError};
use podlift_common::clock::Clock;
use podlift_engine::machine::{self, Attested, Event, IllegalEvent, Record, RunState};
use podlift_engine::program::Attestation;
use podlift_model::{Epoch, HostOp, LedgerId, NodeName, RunId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

pub struct Store {
    inner: Mutex<Inner>,
    head: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
}

struct Inner {
    journal: Box<dyn Journal>,
    fold: Fold,
    epoch: Option<Epoch>,
}

/// Everything that is known from the records.
#[derive(Default)]
struct Fold {
    runs: BTreeMap<RunId, Arc<RunState>>,
    newest: Option<RunId>,
    ledgers: BTreeMap<NodeName, LedgerId>,
    heals: BTreeSet<(NodeName, String)>,
    adopted: BTreeSet<RunId>,
    epoch: Option<Epoch>,
    attested: Attested,
}

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
    /// Reads the journal whole and folds it.
    pub fn open(journal: Box<dyn Journal>, clock: Arc<dyn Clock>) -> Result<Arc<Self>, StoreError> {
        let mut fold = Fold::default();
        for record in journal.read(0)? {
            let replay = |source| StoreError::Replay { seq: record.seq, source };
            let state = fold.next_state(record.run.as_ref(), record.at, &record.event).map_err(replay)?;
            fold.take(&record, state);
        }
        let head = watch::Sender::new(journal.head());
        Ok(Arc::new(Self { inner: Mutex::new(Inner { journal, fold, epoch: None }), head, clock }))
    }

    /// Appends an event of a run, or of the fleet.
    pub fn append(&self, run: Option<&RunId>, event: Event) -> Result<Record, StoreError> {
        let mut inner = self.lock();
        self.write(&mut inner, run, event)
    }

    /// Appends what `decide` makes of the run's state, if anything; nothing else is written in between.
    pub fn append_with(
        &self,
        run: &RunId,
        decide: impl FnOnce(&RunState) -> Option<Event>,
    ) -> Result<Option<Record>, StoreError> {
        let mut inner = self.lock();
        let event = inner.fold.runs.get(run).and_then(|state| decide(state));
        event.map(|event| self.write(&mut inner, Some(run), event)).transpose()
    }

    fn write(&self, inner: &mut Inner, run: Option<&RunId>, event: Event) -> Result<Record, StoreError> {
        let at = self.clock.now();
        let state = inner.fold.next_state(run, at, &event)?;
        let (head, epoch) = (inner.journal.head(), inner.epoch.clone());
        let record = inner.journal.append(head, at, run.cloned(), epoch, event)?;
        inner.fold.take(&record, state);
        self.head.send_replace(record.seq);
        Ok(record)
    }

    /// Stamped on every record from now on.
    pub fn set_epoch(&self, epoch: Option<Epoch>) {
        self.lock().epoch = epoch;
    }

    /// The epoch that this coordinator holds, or held last.
    pub fn epoch(&self) -> Option<Epoch> {
        self.lock().epoch.clone()
    }

    /// The highest epoch in the journal.
    pub fn last_epoch(&self) -> Option<Epoch> {
        self.lock().fold.epoch.clone()
    }

    pub fn run(&self, run: &RunId) -> Option<Arc<RunState>> {
        self.lock().fold.runs.get(run).cloned()
    }

    /// The run that was started last.
    pub fn newest(&self) -> Option<Arc<RunState>> {
        let inner = self.lock();
        inner.fold.newest.as_ref().and_then(|run| inner.fold.runs.get(run).cloned())
    }

    /// The run that is not over; there is at most one.
    pub fn open_run(&self) -> Option<Arc<RunState>> {
        self.lock().fold.runs.values().find(|s| !s.is_over()).cloned()
    }

    pub fn runs(&self) -> Vec<RunId> {
        self.lock().fold.runs.keys().cloned().collect()
    }

    /// A run that the journal holds, one that an operator adopted, or the name of a backup.
    pub fn knows(&self, run: &RunId) -> bool {
        let inner = self.lock();
        inner.fold.runs.contains_key(run) || inner.fold.adopted.contains(run)
    }

    /// The memory that an agent had when it was last seen.
    pub fn ledger(&self, node: &NodeName) -> Option<LedgerId> {
        self.lock().fold.ledgers.get(node).cloned()
    }

    /// What people have said of the next run.
    pub fn attestations(&self) -> Vec<Attestation> {
        self.lock().fold.attested.all().to_vec()
    }

    /// Of that node: ids are chosen by agents, and one must not hide another's heal.
    pub fn knows_heal(&self, node: &NodeName, id: &str) -> bool {
        self.lock().fold.heals.contains(&(node.clone(), id.to_string()))
    }

    /// Records from number `from` on.
    pub fn records(&self, from: u64) -> Result<Vec<Record>, JournalError> {
        self.lock().journal.read(from)
    }

    pub fn head(&self) -> u64 {
        *self.head.borrow()
    }

    /// The number of the last record, as it grows.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fold {
    fn next_state(
        &self,
        run: Option<&RunId>,
        at: jiff::Timestamp,
        event: &Event,
    ) -> Result<Option<RunState>, IllegalEvent> {
        let Some(run) = run else { return Ok(None) };
        let before = self.runs.get(run).map(|s| s.as_ref().clone());
        machine::apply(before, run, at, event).map(Some)
    }

    fn take(&mut self, record: &Record, state: Option<RunState>) {
        self.attested.hear(record.at, &record.event);
        match &record.event {
            Event::RunStarted { .. } => self.newest = record.run.clone(),
            Event::AgentConnected { node, ledger } | Event::LedgerChanged { node, now: ledger, .. } => {
                self.ledgers.insert(node.clone(), ledger.clone());
            }
            Event::Healed { heal } => drop(self.heals.insert((heal.node.clone(), heal.id.clone()))),
            Event::RunsAdopted { runs, .. } => self.adopted.extend(runs.iter().cloned()),
            // A snapshot for a backup outside of any run: the agent remembers its name as a run's.
            Event::NodeAsked { op: HostOp::EtcdSnapshot { run }, .. } => {
                self.adopted.insert(run.clone());
            }
            Event::EpochClaimed { epoch, .. } => {
                let higher = self.epoch.as_ref().is_none_or(|e| epoch.number >= e.number);
                if higher {
                    self.epoch = Some(epoch.clone());
                }
            }
            _ => {}
        }
        if let Some(state) = state {
            self.runs.insert(state.run.clone(), Arc::new(state));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::MemoryJournal;
    use podlift_common::clock::SystemClock;

    #[test]
    fn an_illegal_event_leaves_nothing_behind() {
        let journal = MemoryJournal::new();
        let store = Store::open(Box::new(journal.clone()), Arc::new(SystemClock)).unwrap();
        let run = RunId::new("r1").unwrap();
        let refused = store.append(Some(&run), Event::RunSucceeded);
        assert!(matches!(refused, Err(StoreError::Illegal(IllegalEvent::NotStarted { .. }))));
        assert_eq!((journal.head(), store.head(), store.newest().is_none()), (0, 0, true));
    }

    #[test]
    fn what_agents_said_of_themselves_is_folded() {
        let journal = MemoryJournal::new();
        let store = Store::open(Box::new(journal.clone()), Arc::new(SystemClock)).unwrap();
        let (node, ledger) = (NodeName::new("dgx030").unwrap(), LedgerId::new("l1").unwrap());
        let changes = store.subscribe();
        store.append(None, Event::AgentConnected { node: node.clone(), ledger: ledger.clone() }).unwrap();
        assert!(changes.has_changed().unwrap());
        let again = Store::open(Box::new(journal), Arc::new(SystemClock)).unwrap();
        assert_eq!((again.ledger(&node), again.head()), (Some(ledger), 1));
    }
}
