//! Appends: their refusals, what the fold takes from them, and readers beside a write that hangs.

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

/// A journal whose disk hangs: an append begins, and ends when the test releases it.
struct Hanging {
    inner: MemoryJournal,
    began: std::sync::mpsc::Sender<()>,
    go_on: std::sync::mpsc::Receiver<()>,
}

impl Journal for Hanging {
    fn append(
        &mut self,
        seq: u64,
        at: jiff::Timestamp,
        run: Option<RunId>,
        epoch: Option<Epoch>,
        event: Event,
    ) -> Result<Record, JournalError> {
        self.began.send(()).unwrap();
        self.go_on.recv().unwrap();
        self.inner.append(seq, at, run, epoch, event)
    }
    fn head(&self) -> u64 {
        self.inner.head()
    }
    fn reader(&self) -> Arc<dyn Records> {
        self.inner.reader()
    }
    fn empty(&mut self, run: &RunId, most: usize) -> Result<usize, JournalError> {
        self.inner.empty(run, most)
    }
    fn compact(&mut self) -> Result<(), JournalError> {
        self.inner.compact()
    }
}

/// A journal with records to empty until the first append, which its first batch triggers.
struct Emptying {
    inner: MemoryJournal,
    began: std::sync::mpsc::Sender<()>,
    head: u64,
    batches: usize,
}

impl Journal for Emptying {
    fn append(
        &mut self,
        seq: u64,
        at: jiff::Timestamp,
        run: Option<RunId>,
        epoch: Option<Epoch>,
        event: Event,
    ) -> Result<Record, JournalError> {
        self.inner.append(seq, at, run, epoch, event)
    }
    fn head(&self) -> u64 {
        self.inner.head()
    }
    fn reader(&self) -> Arc<dyn Records> {
        self.inner.reader()
    }
    fn empty(&mut self, _run: &RunId, _most: usize) -> Result<usize, JournalError> {
        let _ = self.began.send(());
        self.batches -= 1;
        Ok(usize::from(self.batches > 0 && self.head() == self.head))
    }
    fn compact(&mut self) -> Result<(), JournalError> {
        self.inner.compact()
    }
}

fn archived_run(run: &RunId) -> Event {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let (run, by, digest) = (run.clone(), "eve".to_string(), podlift_model::Digest::of("x"));
    let (status, chain) = ("aborted".into(), digest.clone());
    let (started, ended, ended_seq, records) = (at, at, 1, 1);
    let run =
        ArchivedRun { run, status, by: by.clone(), started, ended, ended_seq, records, chain, backup: None };
    Event::RunsArchived { file: "r1.jsonl".into(), sha256: digest, before: at, runs: vec![run], by }
}

#[test]
fn an_append_gets_its_turn_while_records_are_emptied() {
    const BATCHES: usize = 1000;
    let (began, begins) = std::sync::mpsc::channel();
    let journal = Emptying { inner: MemoryJournal::new(), began, head: 1, batches: BATCHES };
    let store = Store::open(Box::new(journal), Arc::new(SystemClock)).unwrap();
    let run = RunId::new("r1").unwrap();
    store.append(None, archived_run(&run)).unwrap();
    std::thread::scope(|scope| {
        let free = scope.spawn(|| store.free(&run).unwrap());
        begins.recv().unwrap();
        store.append(None, Event::AgentLost { node: "dgx030".parse().unwrap() }).unwrap();
        let freed = free.join().unwrap();
        assert!(freed < BATCHES as u64 - 1, "the append waited for {freed} batches");
    });
}

#[test]
fn a_mark_that_counts_other_records_is_not_appended() {
    let store = Store::open(Box::new(MemoryJournal::new()), Arc::new(SystemClock)).unwrap();
    let run = RunId::new("r1").unwrap();
    assert_eq!((store.append_mark(archived_run(&run)).unwrap(), store.head()), (None, 0));
}

#[test]
fn no_question_waits_for_an_append() {
    let ((began, begins), (lets, go_on)) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    let journal = Hanging { inner: MemoryJournal::new(), began, go_on };
    let store = Store::open(Box::new(journal), Arc::new(SystemClock)).unwrap();
    let (node, ledger) = (NodeName::new("dgx030").unwrap(), LedgerId::new("l1").unwrap());
    std::thread::scope(|scope| {
        let append = scope.spawn(|| {
            store.append(None, Event::AgentConnected { node: node.clone(), ledger: ledger.clone() })
        });
        begins.recv().unwrap();
        assert!(store.newest().is_none() && store.ledger(&node).is_none(), "not durable, not shown");
        assert!(store.reader().page(&Query::from(0)).unwrap().is_empty());
        assert!(!store.knows_heal(&node, "h1") && store.epoch().is_none() && store.runs().is_empty());
        lets.send(()).unwrap();
        append.join().unwrap().unwrap();
    });
    assert_eq!((store.ledger(&node), store.head()), (Some(ledger), 1));
}
