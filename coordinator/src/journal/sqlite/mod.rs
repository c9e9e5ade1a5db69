//! The journal as one SQLite file on the head node's local disk.
//!
//! Format 2 (`PRAGMA user_version = 2`), write-ahead log, synchronous=FULL:
//! - `records(seq INTEGER PRIMARY KEY, hash TEXT, json TEXT) STRICT`: one row a record; `json` is the whole record, `hash` repeats its hash.
//! - `head(id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER, hash TEXT) STRICT`: number and hash of the last record.
//! - `about(seq INTEGER PRIMARY KEY, run TEXT, node TEXT, kind TEXT) STRICT`: the index by run, subject and name of the event. It is made
//!   from the records and can be rebuilt from them. Opening a file of format 1 adds it.
//!
//! The record of an archived run is emptied: `json` is '', its hash stays, and the index keeps its run. A later record (`runs-archived`)
//! names a digest over those hashes and the file that has the contents.
//!
//! Invariants: numbers start at 1 without a gap; each record names the hash of the previous one; `head` is written in the transaction that
//! writes its record, so that a lost tail is detected; the one process that may write holds `FILE.lock`. Damaged records and a damaged head
//! are never repaired: opening fails.
#![allow(clippy::disallowed_methods)] // this is the edge: the database and its lock file

mod check;
mod reader;
mod schema;
mod turn;

use super::query::Place;
use super::{Journal, JournalError, Records};
use jiff::Timestamp;
use podlift_engine::machine::{ChainError, Event, Record, seal};
use podlift_model::{Epoch, RunId};
use reader::SqliteRecords;
use rusqlite::{Connection, params};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Index entry of an emptied record in place of the event's name. No event has this name.
const EMPTIED: &str = "(archived)";

pub struct SqliteJournal {
    path: PathBuf,
    db: Connection,
    last: Option<Record>,
    reader: Arc<SqliteRecords>,
    /// Approximate number of pages in the write-ahead log since its last checkpoint.
    logged: usize,
    /// Held but never read: dropping it releases the lock.
    _lock: File,
}

impl SqliteJournal {
    /// Opens or creates the file, takes the lock, and verifies the whole chain record by record.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let lock = lock(path)?;
        let at = At(path);
        let mut db = Connection::open(path).map_err(at.sqlite("open"))?;
        db.pragma_update(None, "journal_mode", "WAL").map_err(at.sqlite("write-ahead log"))?;
        db.pragma_update(None, "synchronous", "FULL").map_err(at.sqlite("synchronous"))?;
        db.pragma_update(None, "wal_autocheckpoint", 0).map_err(at.sqlite("checkpoints"))?;
        schema::prepare(&mut db, &at)?;
        let last = check::check(&mut db, &at)?;
        let reader = Arc::new(SqliteRecords::new(path)?);
        let mut journal = Self { path: path.into(), db, last, reader, logged: 0, _lock: lock };
        // The log of an earlier start may be long. On a full disk it is the only room left.
        journal.truncate_log();
        Ok(journal)
    }
}

impl Journal for SqliteJournal {
    fn append(
        &mut self,
        expected_seq: u64,
        at: Timestamp,
        run: Option<RunId>,
        epoch: Option<Epoch>,
        event: Event,
    ) -> Result<Record, JournalError> {
        let head = self.head();
        if head != expected_seq {
            return Err(JournalError::Conflict { expected: expected_seq, head });
        }
        let record = seal(self.last.as_ref(), at, run, epoch, event);
        let json = serde_json::to_string(&record).map_err(|e| JournalError::Refused(e.to_string()))?;
        if let Err(error) = insert(&mut self.db, &record, &json) {
            // On a full disk a checkpoint frees the log's room.
            tracing::warn!(%error, "a record was not appended to the journal; it is tried again after a checkpoint");
            self.checkpoint();
            insert(&mut self.db, &record, &json).map_err(At(&self.path).sqlite("append"))?;
        }
        self.last = Some(record.clone());
        self.log(PAGES_EACH + json.len() / PAGE_SIZE);
        Ok(record)
    }

    fn head(&self) -> u64 {
        self.last.as_ref().map_or(0, |r| r.seq)
    }

    fn reader(&self) -> Arc<dyn Records> {
        self.reader.clone()
    }

    fn empty(&mut self, run: &RunId, most: usize) -> Result<usize, JournalError> {
        let emptied =
            empty(&mut self.db, run, most).map_err(At(&self.path).sqlite("empty archived records"))?;
        // Each record occupies about one page.
        self.log(emptied);
        Ok(emptied)
    }

    fn compact(&mut self) -> Result<(), JournalError> {
        let failed = At(&self.path).sqlite("make the file smaller");
        let free: i64 = self.db.pragma_query_value(None, "freelist_count", |r| r.get(0)).map_err(&failed)?;
        if free >= WORTH_COMPACTING {
            self.db.execute_batch("VACUUM").map_err(&failed)?;
            self.truncate_log();
        }
        Ok(())
    }
}

/// Pages of the log that one append writes besides its text, and bytes of a page.
const PAGES_EACH: usize = 6;
const PAGE_SIZE: usize = 4096;
/// Pages of the log that trigger a checkpoint: some hundred appends.
const CHECKPOINT: usize = 2000;
/// Free pages of the database (1 MiB) from which it is compacted. Fewer stay for later records.
const WORTH_COMPACTING: i64 = 256;

impl SqliteJournal {
    /// Counts pages written to the log, and makes a checkpoint if it is due.
    fn log(&mut self, pages: usize) {
        self.logged += pages;
        if self.logged >= CHECKPOINT {
            self.checkpoint();
        }
    }

    /// Writes the log into the database and empties the log file. If this fails, the records remain durable in the log.
    fn truncate_log(&mut self) {
        let busy = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get::<_, bool>(0));
        let why = match busy {
            Ok(false) => {
                self.logged = 0;
                return;
            }
            Ok(true) => "another process reads the file".to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(why, "the journal's write-ahead log was not emptied");
        self.logged = CHECKPOINT / 2;
    }

    /// Makes a checkpoint between two pages of the readers, so that the log starts again at its beginning. SQLite's own checkpoints run
    /// after each commit from some log length on. While a reader is active, the log cannot restart, and every append would pay for one.
    fn checkpoint(&mut self) {
        let db = &self.db;
        let passive = || db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        match self.reader.without_readers(passive) {
            Ok(()) => self.logged = 0,
            // The records are durable in the log, which grows until a checkpoint succeeds. The next try does not follow at every append.
            Err(error) => {
                tracing::warn!(%error, "the journal's write-ahead log was not written into its database");
                self.logged = CHECKPOINT / 2;
            }
        }
    }
}

/// The path, for errors.
struct At<'a>(&'a Path);

impl At<'_> {
    fn sqlite(&self, what: &'static str) -> impl Fn(rusqlite::Error) -> JournalError + use<> {
        let path = self.0.to_path_buf();
        move |source| JournalError::Sqlite { path: path.clone(), what, source }
    }
    fn damaged(&self, source: ChainError) -> JournalError {
        JournalError::Damaged { path: self.0.into(), source }
    }
}

fn lock(path: &Path) -> Result<File, JournalError> {
    let open = |source| JournalError::Open { path: path.into(), source };
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(open)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = File::options().create(true).truncate(false).write(true).open(name).map_err(open)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(JournalError::InUse { path: path.into() }),
        Err(std::fs::TryLockError::Error(source)) => Err(open(source)),
    }
}

/// SQLite's integers are signed. Record numbers never reach the limit.
fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn insert(db: &mut Connection, record: &Record, json: &str) -> Result<(), rusqlite::Error> {
    let transaction = db.transaction()?;
    let (seq, hash) = (number(record.seq), record.hash.as_str());
    transaction
        .prepare_cached("INSERT INTO records (seq, hash, json) VALUES (?1, ?2, ?3)")?
        .execute(params![seq, hash, json])?;
    place(&transaction, record)?;
    transaction
        .prepare_cached("INSERT OR REPLACE INTO head (id, seq, hash) VALUES (1, ?1, ?2)")?
        .execute(params![seq, hash])?;
    transaction.commit()
}

/// The index keeps the run of an emptied record, because the check of the run's hashes needs it.
fn empty(db: &mut Connection, run: &RunId, most: usize) -> Result<usize, rusqlite::Error> {
    let transaction = db.transaction()?;
    let mut full = transaction
        .prepare_cached("SELECT seq FROM about WHERE run = ?1 AND kind <> ?2 ORDER BY seq LIMIT ?3")?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let seqs: Vec<i64> =
        full.query_map(params![run.as_str(), EMPTIED, most], |r| r.get(0))?.collect::<Result<_, _>>()?;
    drop(full);
    for seq in &seqs {
        transaction.prepare_cached("UPDATE records SET json = '' WHERE seq = ?1")?.execute([seq])?;
        transaction
            .prepare_cached("UPDATE about SET node = NULL, kind = ?2 WHERE seq = ?1")?
            .execute(params![seq, EMPTIED])?;
    }
    transaction.commit()?;
    Ok(seqs.len())
}

/// Adds a record to the index.
fn place(db: &Connection, record: &Record) -> Result<(), rusqlite::Error> {
    let Place { run, about, kind } = Place::of(record);
    db.prepare_cached("INSERT OR REPLACE INTO about (seq, run, node, kind) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![number(record.seq), run, about, kind])
        .map(drop)
}

#[cfg(test)]
mod tests;
