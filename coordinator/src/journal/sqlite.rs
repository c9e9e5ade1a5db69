//! The journal as one SQLite file on the head node's local disk.
//!
//! Format 1 (`PRAGMA user_version = 1`), write-ahead log, synchronous=FULL:
//! - `records(seq INTEGER PRIMARY KEY, hash TEXT, json TEXT) STRICT`: one row a record; `json` is the whole record, `hash` repeats its hash.
//! - `head(id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER, hash TEXT) STRICT`: number and hash of the last record.
//!
//! Invariants: numbers go from 1 without a gap; each record names the hash of the one before; `head` is written in the transaction that
//! writes its record, so a lost tail is seen; `FILE.lock` is held by the one process that may write. What is damaged is never repaired
//! here: opening refuses.
#![allow(clippy::disallowed_methods)] // this is the edge: the database and its lock file

use super::{Journal, JournalError};
use jiff::Timestamp;
use podlift_engine::machine::{ChainError, Event, Record, seal, verify};
use podlift_model::{Epoch, RunId};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};

const FORMAT: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE records (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, json TEXT NOT NULL) STRICT;
CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
PRAGMA user_version = 1;
";

pub struct SqliteJournal {
    path: PathBuf,
    db: Connection,
    last: Option<Record>,
    /// Held, never read: the lock goes with it.
    _lock: File,
}

impl SqliteJournal {
    /// Opens or makes the file, takes the lock, verifies the whole chain.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let lock = lock(path)?;
        let at = At(path);
        let db = Connection::open(path).map_err(at.sqlite("open"))?;
        db.pragma_update(None, "journal_mode", "WAL").map_err(at.sqlite("write-ahead log"))?;
        db.pragma_update(None, "synchronous", "FULL").map_err(at.sqlite("synchronous"))?;
        prepare(&db, &at)?;
        let records = read(&db, &at, 0)?;
        check(&db, &at, &records)?;
        Ok(Self { path: path.into(), db, last: records.into_iter().next_back(), _lock: lock })
    }

    fn at(&self) -> At<'_> {
        At(&self.path)
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
        insert(&mut self.db, &record, &json).map_err(At(&self.path).sqlite("append"))?;
        self.last = Some(record.clone());
        Ok(record)
    }

    fn read(&self, from: u64) -> Result<Vec<Record>, JournalError> {
        read(&self.db, &self.at(), from)
    }

    fn head(&self) -> u64 {
        self.last.as_ref().map_or(0, |r| r.seq)
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

fn prepare(db: &Connection, at: &At) -> Result<(), JournalError> {
    let found: i64 =
        db.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(at.sqlite("format"))?;
    match found {
        0 => db.execute_batch(&format!("BEGIN;{SCHEMA}COMMIT;")).map_err(at.sqlite("create tables")),
        FORMAT => Ok(()),
        found => Err(JournalError::Newer { path: at.0.into(), found, known: FORMAT }),
    }
}

fn read(db: &Connection, at: &At, from: u64) -> Result<Vec<Record>, JournalError> {
    let mut rows = db
        .prepare_cached("SELECT seq, json FROM records WHERE seq >= ?1 ORDER BY seq")
        .map_err(at.sqlite("read"))?;
    let rows = rows
        .query_map(params![number(from)], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        .map_err(at.sqlite("read"))?;
    rows.map(|row| {
        let (seq, json) = row.map_err(at.sqlite("read"))?;
        serde_json::from_str(&json).map_err(|e| {
            let (path, seq, why) = (at.0.into(), seq.unsigned_abs(), e.to_string());
            match e.is_data() {
                true => JournalError::Unknown { path, seq, why },
                false => JournalError::Unreadable { path, seq, why },
            }
        })
    })
    .collect()
}

fn check(db: &Connection, at: &At, records: &[Record]) -> Result<(), JournalError> {
    let head: Option<(i64, String)> = db
        .query_row("SELECT seq, hash FROM head WHERE id = 1", [], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()
        .map_err(at.sqlite("read head"))?;
    let (seq, hash) = head.map(|(seq, hash)| (seq.unsigned_abs(), hash)).unwrap_or_default();
    verify(records, Some(seq)).map_err(|e| newer(db, at, records, &e).unwrap_or_else(|| at.damaged(e)))?;
    match records.last() {
        Some(last) if last.hash.as_str() != hash => Err(at.damaged(ChainError::Altered { seq })),
        _ => Ok(()),
    }
}

/// A record has another hash than we compute also where a newer podlift wrote more into it than we read.
fn newer(db: &Connection, at: &At, records: &[Record], error: &ChainError) -> Option<JournalError> {
    let ChainError::Altered { seq } = *error else { return None };
    let read = records.iter().find(|r| r.seq == seq)?;
    let text: String =
        db.query_row("SELECT json FROM records WHERE seq = ?1", [number(seq)], |row| row.get(0)).ok()?;
    let (written, read) = (serde_json::from_str(&text).ok()?, serde_json::to_value(read).ok()?);
    let why = format!("it has {}, which is not read here", more(&written, &read)?);
    Some(JournalError::Unknown { path: at.0.into(), seq, why })
}

/// Path of a key that is written and not read.
fn more(written: &Value, read: &Value) -> Option<String> {
    match (written, read) {
        (Value::Object(written), Value::Object(read)) => {
            written.iter().find_map(|(key, value)| match read.get(key) {
                None => Some(key.clone()),
                Some(there) => more(value, there).map(|below| format!("{key}.{below}")),
            })
        }
        (Value::Array(written), Value::Array(read)) => written
            .iter()
            .zip(read)
            .enumerate()
            .find_map(|(i, (a, b))| more(a, b).map(|below| format!("{i}.{below}"))),
        _ => None,
    }
}

/// SQLite's integers are signed; record numbers never get that far.
fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn insert(db: &mut Connection, record: &Record, json: &str) -> Result<(), rusqlite::Error> {
    let transaction = db.transaction()?;
    let (seq, hash) = (number(record.seq), record.hash.as_str());
    transaction
        .execute("INSERT INTO records (seq, hash, json) VALUES (?1, ?2, ?3)", params![seq, hash, json])?;
    transaction
        .execute("INSERT OR REPLACE INTO head (id, seq, hash) VALUES (1, ?1, ?2)", params![seq, hash])?;
    transaction.commit()
}

#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod tests;
