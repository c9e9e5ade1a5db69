//! The tables, and the migration from an older format.

use super::{At, place};
use crate::journal::{JournalError, Row};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;

const FORMAT: i64 = 2;

const RECORDS: &str = "
CREATE TABLE records (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, json TEXT NOT NULL) STRICT;
CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
";

/// Each index ends with the row's key, so that a page of one run or node is read in record order.
const INDEX: &str = "
CREATE TABLE about (seq INTEGER PRIMARY KEY, run TEXT, node TEXT, kind TEXT NOT NULL) STRICT;
CREATE INDEX about_run ON about (run) WHERE run IS NOT NULL;
CREATE INDEX about_node ON about (node) WHERE node IS NOT NULL;
CREATE INDEX about_kind ON about (kind);
PRAGMA user_version = 2;
";

/// Creates the tables, or adds what an older podlift did not write. One transaction does all of it, so a crash leaves the old format.
pub(super) fn prepare(db: &mut Connection, at: &At) -> Result<(), JournalError> {
    let found: i64 =
        db.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(at.sqlite("format"))?;
    match found {
        0 => db
            .execute_batch(&format!("BEGIN IMMEDIATE;{RECORDS}{INDEX}COMMIT;"))
            .map_err(at.sqlite("create tables")),
        1 => add_index(db, at),
        FORMAT => Ok(()),
        found => Err(JournalError::Newer { path: at.0.into(), found, known: FORMAT }),
    }
}

fn add_index(db: &mut Connection, at: &At) -> Result<(), JournalError> {
    let error = at.sqlite("add the index");
    let transaction = db.transaction().map_err(&error)?;
    transaction.execute_batch(INDEX).map_err(&error)?;
    each_stored(&transaction, at, |s| place(&transaction, &s.row.record()?).map_err(&error))?;
    transaction.commit().map_err(&error)
}

/// A row with its index entry.
pub(super) struct Stored {
    pub row: Row,
    pub hash: String,
    pub run: Option<String>,
    pub node: Option<String>,
    /// `None` if the index does not have the row.
    pub kind: Option<String>,
}

/// Passes each row to `take`, in order of the numbers. One row is in memory at a time.
pub(super) fn each_stored(
    db: &Connection,
    at: &At,
    mut take: impl FnMut(Stored) -> Result<(), JournalError>,
) -> Result<(), JournalError> {
    let error = at.sqlite("read");
    let file: Arc<Path> = at.0.into();
    let mut statement = db
        .prepare(
            "SELECT r.seq, r.json, r.hash, a.run, a.node, a.kind FROM records r LEFT JOIN about a ON a.seq = r.seq ORDER BY r.seq",
        )
        .map_err(&error)?;
    let mut rows = statement.query([]).map_err(&error)?;
    while let Some(row) = rows.next().map_err(&error)? {
        take(stored(row, &file).map_err(&error)?)?;
    }
    Ok(())
}

fn stored(row: &rusqlite::Row, file: &Arc<Path>) -> Result<Stored, rusqlite::Error> {
    let seq = row.get::<_, i64>(0)?.unsigned_abs();
    Ok(Stored {
        row: Row { seq, json: row.get(1)?, file: file.clone() },
        hash: row.get(2)?,
        run: row.get(3)?,
        node: row.get(4)?,
        kind: row.get(5)?,
    })
}
