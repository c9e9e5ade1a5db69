//! An archive, a restart and a check of the file; and the state if the coordinator dies between two stages.
#![allow(clippy::disallowed_methods)] // files are broken by hand

#[path = "archive_damage_tests.rs"]
mod damage;

use super::*;
use crate::journal::{Journal as _, SqliteJournal};
use podlift_common::clock::{Clock, SystemClock};
use podlift_engine::goals::upgrade::build;
use podlift_engine::testing::input;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn journal(&self) -> PathBuf {
        self.dir.path().join("journal.db")
    }

    /// Opens the site as a start of the coordinator does.
    fn open(&self) -> Archivist {
        self.open_with(Arc::new(SystemClock))
    }

    fn open_with(&self, clock: Arc<dyn Clock>) -> Archivist {
        let journal = SqliteJournal::open(&self.journal()).unwrap();
        let store = Store::open(Box::new(journal), clock).unwrap();
        let (archives, now) = (Archives::beside(&self.journal()), SystemClock.now());
        Archivist { store, archives, cluster: "runaicluster".parse().unwrap(), now }
    }
}

fn run(name: &str) -> RunId {
    name.parse().unwrap()
}

fn started(store: &Store, name: &str) {
    let plan = Box::new(build(&input()).unwrap());
    store.append(Some(&run(name)), Event::RunStarted { plan, by: "eve".into() }).unwrap();
}

fn ended(store: &Store, name: &str) {
    started(store, name);
    for event in [
        Event::AbortAsked { by: "eve".into(), reason: "x".into() },
        Event::RunAborted { undone: vec![], left: vec![] },
    ] {
        store.append(Some(&run(name)), event).unwrap();
    }
}

fn attested(store: &Store) {
    let event = Event::Attested { name: "maintenance-window".into(), by: "eve".into(), note: String::new() };
    store.append(None, event).unwrap();
}

/// r1 and r2 are over, r3 is open, and the fleet's own records are in between.
fn filled(site: &Site) -> Archivist {
    fill(site.open())
}

fn fill(archivist: Archivist) -> Archivist {
    attested(&archivist.store);
    ended(&archivist.store, "r1");
    archivist.store.append(None, Event::AgentLost { node: "dgx030".parse().unwrap() }).unwrap();
    ended(&archivist.store, "r2");
    started(&archivist.store, "r3");
    archivist
}

fn later() -> Timestamp {
    SystemClock.now() + jiff::SignedDuration::from_hours(1)
}

fn left(archivist: &Archivist, name: &str) -> u64 {
    archivist.store.reader().count(&Query::run(Some(&run(name)), 0)).unwrap()
}

fn archive(archivist: &Archivist) -> String {
    archivist.archive(later(), "eve".into()).unwrap()
}

/// The file exists, and the mark does not.
fn written(archivist: &Archivist) -> Verified {
    let runs = archivist.ended(later()).iter().map(|s| archivist.summary(s).unwrap()).collect();
    let header = ArchiveHeader {
        schema: ARCHIVE_SCHEMA.into(),
        cluster: archivist.cluster.clone(),
        made_at: archivist.now,
        by: "eve".into(),
        before: later(),
        runs,
    };
    archivist.write(&header).unwrap()
}

/// The file and the mark exist, and no record is emptied.
fn marked(archivist: &Archivist) -> Verified {
    let made = written(archivist);
    archivist.mark(&made, later(), "eve".into()).unwrap();
    made
}

#[test]
fn archived_runs_are_in_the_file_and_the_chain_still_holds() {
    let site = Site::new();
    let archivist = filled(&site);
    let head = archivist.store.head();
    let said = archive(&archivist);
    assert!(said.contains("archived 6 records of r1, r2 in ") && said.contains("r1--r2.jsonl"), "{said}");
    let mode = std::fs::metadata(&archivist.archives.dir).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "nobody else looks into the folder");
    let check = |again: &Archivist| {
        let store = &again.store;
        assert!(store.run(&run("r1")).is_none() && store.knows(&run("r1")));
        assert_eq!((left(again, "r1"), left(again, "r2"), left(again, "r3")), (0, 0, 1));
        assert_eq!(store.newest().unwrap().run, run("r3"));
        // The attestation is older than r1, whose end is in the file. It must not count for the next run.
        assert!(store.attestations().is_empty());
        assert_eq!(store.head(), head + 1, "nothing but the mark was added");
        let whole = again.verify(None).unwrap();
        let expected = "r1--r2.jsonl is whole, as the journal has it: 6 records of r1, r2";
        assert!(whole.contains(expected), "{whole}");
        assert!(archive(again).contains("nothing to archive"), "repeating it is harmless");
    };
    check(&archivist);
    drop(archivist);
    check(&site.open());
    check(&site.open());
}

#[test]
fn the_open_run_the_newest_run_and_younger_runs_stay() {
    let site = Site::new();
    let archivist = filled(&site);
    let none = archivist.archive(Timestamp::UNIX_EPOCH, "eve".into()).unwrap();
    assert!(none.contains("nothing to archive"), "{none}");
    assert!(archive(&archivist).contains("r1, r2"));
    let abort = |event| archivist.store.append(Some(&run("r3")), event).unwrap();
    abort(Event::AbortAsked { by: "eve".into(), reason: "x".into() });
    abort(Event::RunAborted { undone: vec![], left: vec![] });
    assert!(archive(&archivist).contains("nothing to archive"), "status shows the newest run");
    started(&archivist.store, "r4");
    assert!(archive(&archivist).contains("of r3 in "), "it is not the newest any more");
    drop(archivist);
    assert_eq!(site.open().store.all_archived().len(), 3);
}

#[test]
fn a_coordinator_that_dies_while_it_writes_leaves_everything_in_the_journal() {
    let site = Site::new();
    let archivist = filled(&site);
    let dir = archivist.archives.dir.clone();
    std::fs::create_dir_all(&dir).unwrap();
    // Half a file under its temporary name, and a complete one before the mark.
    std::fs::write(dir.join("r1--r2.jsonl.unfinished"), "{\"schema\":\"podl").unwrap();
    drop(archivist);
    let archivist = site.open();
    assert_eq!((left(&archivist, "r1"), archivist.finish().unwrap()), (3, 0));
    assert!(archive(&archivist).contains("r1, r2"));
    assert_eq!(archivist.archives.list().unwrap(), ["r1--r2.jsonl"]);
    let mode = std::fs::metadata(dir.join("r1--r2.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "nobody else reads it");
    assert_eq!(std::fs::read_dir(dir).unwrap().count(), 1, "no litter");
}

#[test]
fn a_coordinator_that_dies_after_the_mark_finishes_at_its_next_start() {
    for emptied in [0, 1, 3] {
        let site = Site::new();
        let archivist = filled(&site);
        marked(&archivist);
        drop(archivist);
        let mut journal = SqliteJournal::open(&site.journal()).unwrap();
        assert_eq!(journal.empty(&run("r1"), emptied).unwrap(), emptied);
        drop(journal);
        let archivist = site.open();
        assert!(archivist.store.run(&run("r1")).is_none() && archivist.store.attestations().is_empty());
        assert_eq!(archivist.finish().unwrap(), 6 - emptied as u64);
        assert_eq!((left(&archivist, "r1"), left(&archivist, "r2")), (0, 0));
        drop(archivist);
        let archivist = site.open();
        assert_eq!(archivist.finish().unwrap(), 0);
        assert!(archivist.verify(None).unwrap().contains("is whole, as the journal has it"));
    }
}

#[test]
fn a_run_that_gets_a_record_while_it_is_archived_stays() {
    let site = Site::new();
    let archivist = filled(&site);
    let (made, head) = (written(&archivist), archivist.store.head());
    let late = Event::AgentLost { node: "dgx030".parse().unwrap() };
    archivist.store.append(Some(&run("r1")), late).unwrap();
    let refused = archivist.mark(&made, later(), "eve".into()).unwrap_err();
    assert!(matches!(refused, CoordinatorError::ArchiveNotMade { .. }), "{refused:?}");
    assert_eq!((archivist.store.head(), left(&archivist, "r1")), (head + 1, 4));
    assert!(archivist.store.run(&run("r1")).is_some());
}

#[test]
fn a_file_that_the_journal_names_is_never_written_over() {
    let site = Site::new();
    let archivist = filled(&site);
    let made = marked(&archivist);
    let refused = archivist.write(&made.header).unwrap_err();
    assert!(matches!(refused, CoordinatorError::ArchiveNotMade { .. }), "{refused:?}");
    assert_eq!(archivist.finish().unwrap(), 6);
}

#[test]
fn runs_whose_records_overlap_share_a_file() {
    let site = Site::new();
    let archivist = filled(&site);
    // r1 is over, and gets a record after those of r2.
    let late = Event::AgentLost { node: "dgx030".parse().unwrap() };
    archivist.store.append(Some(&run("r1")), late).unwrap();
    let said = archive(&archivist);
    assert!(said.contains("archived 7 records of r1, r2 in "), "{said}");
    assert!(archivist.verify(None).unwrap().contains("is whole, as the journal has it"));
    drop(archivist);
    assert_eq!(left(&site.open(), "r1"), 0);
}

/// Records that can't be read after the first page, as on a disk that fails or is full.
struct Failing(Arc<dyn crate::journal::Records>);

impl crate::journal::Records for Failing {
    fn page(&self, query: &Query) -> Result<Vec<crate::journal::Row>, crate::journal::JournalError> {
        match query.from {
            0 => self.0.page(query),
            _ => Err(crate::journal::JournalError::Refused("no space left on device".into())),
        }
    }
    fn count(&self, query: &Query) -> Result<u64, crate::journal::JournalError> {
        self.0.count(query)
    }
}

#[test]
fn a_file_that_could_not_be_written_leaves_no_room_taken() {
    let site = Site::new();
    let archivist = filled(&site);
    let header = written(&archivist).header;
    let dir = archivist.archives.dir.clone();
    std::fs::remove_dir_all(&dir).unwrap();
    let failing = Failing(archivist.store.reader().clone());
    archivist.archives.write(&failing, &header).unwrap_err();
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
    assert_eq!(left(&archivist, "r1"), 3, "nothing is taken out of the journal");
}

/// A journal on a full disk: it can't be made smaller, because that needs room of its own.
struct Full(SqliteJournal);

impl crate::journal::Journal for Full {
    fn append(
        &mut self,
        seq: u64,
        at: Timestamp,
        run: Option<RunId>,
        epoch: Option<podlift_model::Epoch>,
        event: Event,
    ) -> Result<podlift_engine::machine::Record, crate::journal::JournalError> {
        self.0.append(seq, at, run, epoch, event)
    }
    fn head(&self) -> u64 {
        self.0.head()
    }
    fn reader(&self) -> Arc<dyn crate::journal::Records> {
        self.0.reader()
    }
    fn empty(&mut self, run: &RunId, most: usize) -> Result<usize, crate::journal::JournalError> {
        self.0.empty(run, most)
    }
    fn compact(&mut self) -> Result<(), crate::journal::JournalError> {
        Err(crate::journal::JournalError::Refused("database or disk is full".into()))
    }
}

#[test]
fn an_archive_is_done_although_the_journal_can_not_be_made_smaller() {
    let site = Site::new();
    let journal = Full(SqliteJournal::open(&site.journal()).unwrap());
    let store = Store::open(Box::new(journal), Arc::new(SystemClock)).unwrap();
    ["r1", "r2"].iter().for_each(|name| ended(&store, name));
    let archives = Archives::beside(&site.journal());
    let cluster = "runaicluster".parse().unwrap();
    let archivist = Archivist { store, archives, cluster, now: SystemClock.now() };
    let said = archive(&archivist);
    assert!(said.contains("archived 3 records of r1 in "), "{said}");
    assert_eq!(left(&archivist, "r1"), 0);
    started(&archivist.store, "r3");
}

/// Goes back by an hour at each reading.
struct SetBack(std::sync::atomic::AtomicI64);

impl Clock for SetBack {
    fn now(&self) -> Timestamp {
        let hours = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        SystemClock.now() - jiff::SignedDuration::from_hours(hours)
    }
    fn since_boot(&self) -> std::time::Duration {
        SystemClock.since_boot()
    }
}

#[test]
fn runs_are_in_the_order_of_their_records_where_the_clock_was_set_back() {
    let site = Site::new();
    let archivist = fill(site.open_with(Arc::new(SetBack(0.into()))));
    let said = archive(&archivist);
    assert!(said.contains("of r1, r2 in "), "{said}");
    assert!(archivist.verify(None).unwrap().contains("is whole, as the journal has it"));
}

#[tokio::test]
async fn the_lock_is_held_until_the_work_is_done_though_the_caller_went_away() {
    let lock = Arc::new(Mutex::new(()));
    let (began, begins) = tokio::sync::oneshot::channel();
    let (lets, go_on) = std::sync::mpsc::channel::<()>();
    let (of_caller, done) = (lock.clone(), Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let mark = done.clone();
    let caller = tokio::spawn(async move {
        let work = move || {
            began.send(()).unwrap();
            go_on.recv().unwrap();
            mark.store(true, std::sync::atomic::Ordering::Relaxed);
            Ok(())
        };
        alone(&of_caller, work).await
    });
    begins.await.unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled() && lock.try_lock().is_err());
    lets.send(()).unwrap();
    let _one = lock.lock().await;
    assert!(done.load(std::sync::atomic::Ordering::Relaxed));
}
