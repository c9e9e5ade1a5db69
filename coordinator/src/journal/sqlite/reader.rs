//! Readers of the file: read-only connections, with a transaction for each page. With the write-ahead log, readers and the writer do not
//! wait for each other. No page stays open, so a slow reader never delays a checkpoint.

use super::{At, EMPTIED, number};
use crate::journal::{JournalError, PAGE_BYTES, Query, Records, Row};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Pages that are read concurrently. One reader passes over a million records a second; more would take processors from the writer.
const AT_ONCE: usize = 1;
/// How long the writer waits for the page being read. A reader on a disk that hangs must not block the writer.
const PATIENCE: Duration = Duration::from_millis(20);

pub(super) struct SqliteRecords {
    path: Arc<Path>,
    idle: Mutex<Idle>,
    /// Wakes one reader.
    given_back: Condvar,
    /// Wakes the writer.
    all_back: Condvar,
}

/// Unused connections, and how many more may be opened.
struct Idle {
    open: Vec<Connection>,
    left: usize,
    /// The writer waits until no page is read. No new page begins before its turn is over.
    writer_waits: bool,
}

/// A lent connection, returned even if the reader fails.
struct Lent<'a> {
    /// `None` if a new connection may be opened.
    connection: Option<Connection>,
    to: &'a SqliteRecords,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.to.take_back(self.connection.take());
    }
}

/// The writer's turn, which ends even if the writer fails.
struct Alone<'a> {
    idle: MutexGuard<'a, Idle>,
    with: &'a SqliteRecords,
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.idle.writer_waits = false;
        self.with.given_back.notify_all();
    }
}

impl SqliteRecords {
    /// Creates the reader without opening a connection.
    pub fn new(path: &Path) -> Self {
        let idle = Idle { open: vec![], left: AT_ONCE, writer_waits: false };
        Self {
            path: path.into(),
            idle: Mutex::new(idle),
            given_back: Condvar::new(),
            all_back: Condvar::new(),
        }
    }

    /// Lends a connection to `read`; waits while all are lent.
    fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, JournalError> {
        let at = At(&self.path);
        let mut lent = self.lend();
        let connection = match lent.connection.take() {
            Some(connection) => connection,
            None => connect(&self.path).map_err(at.sqlite("open for reading"))?,
        };
        let result = read(&connection).map_err(at.sqlite("read"));
        lent.connection = Some(connection);
        result
    }

    fn lend(&self) -> Lent<'_> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while idle.writer_waits || (idle.open.is_empty() && idle.left == 0) {
            idle = self.given_back.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
        let connection = idle.open.pop();
        if connection.is_none() {
            idle.left -= 1;
        }
        Lent { connection, to: self }
    }

    fn take_back(&self, connection: Option<Connection>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match connection {
            Some(connection) => idle.open.push(connection),
            None => idle.left += 1,
        }
        match idle.writer_waits {
            true => self.all_back.notify_one(),
            false => self.given_back.notify_one(),
        }
    }

    /// Runs `act` while no page is read. Most pages take about a millisecond; after `PATIENCE`, `act` runs beside a page that takes longer.
    /// No other page begins meanwhile.
    pub fn without_readers<T>(&self, act: impl FnOnce() -> T) -> T {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.writer_waits = true;
        let lent = |idle: &mut Idle| idle.open.len() + idle.left < AT_ONCE;
        let waited = self.all_back.wait_timeout_while(idle, PATIENCE, lent);
        let (idle, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let _alone = Alone { idle, with: self };
        act()
    }
}

pub(super) fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

impl Records for SqliteRecords {
    fn page(&self, query: &Query) -> Result<Vec<Row>, JournalError> {
        self.with(|db| page(db, &self.path, query))
    }

    fn count(&self, query: &Query) -> Result<u64, JournalError> {
        let (conditions, values) = conditions(query);
        let sql = format!("SELECT count(*) FROM about a WHERE {conditions}");
        self.with(|db| {
            let mut statement = db.prepare_cached(&sql)?;
            statement.query_row(params_from_iter(&values), |r| r.get::<_, i64>(0)).map(i64::unsigned_abs)
        })
    }
}

/// Reads the index first and then the records one by one, so that a page ends at its limit in bytes.
fn page(db: &Connection, file: &Arc<Path>, query: &Query) -> Result<Vec<Row>, rusqlite::Error> {
    let one_view = db.unchecked_transaction()?;
    let seqs = matching(&one_view, query)?;
    let mut statement = one_view.prepare_cached("SELECT json FROM records WHERE seq = ?1")?;
    let (mut out, mut bytes) = (vec![], 0);
    for seq in seqs {
        if bytes >= PAGE_BYTES {
            break;
        }
        let json: String = statement.query_row([seq], |r| r.get(0))?;
        bytes += json.len();
        out.push(Row { seq: seq.unsigned_abs(), json, file: file.clone() });
    }
    Ok(out)
}

fn matching(db: &Connection, query: &Query) -> Result<Vec<i64>, rusqlite::Error> {
    let (conditions, values) = conditions(query);
    let order = if query.newest_first { "DESC" } else { "ASC" };
    let most = query.most();
    let sql = format!("SELECT a.seq FROM about a WHERE {conditions} ORDER BY a.seq {order} LIMIT {most}");
    let mut statement = db.prepare_cached(&sql)?;
    statement.query_map(params_from_iter(&values), |r| r.get(0))?.collect()
}

/// The conditions on the index, and the values of their placeholders.
fn conditions(query: &Query) -> (String, Vec<Value>) {
    let mut all = format!("a.kind <> '{EMPTIED}' AND a.seq >= ?");
    let mut values = vec![Value::from(number(query.from))];
    if let Some(before) = query.before {
        all.push_str(" AND a.seq < ?");
        values.push(Value::from(number(before)));
    }
    if let Some(run) = &query.run {
        all.push_str(" AND a.run = ?");
        values.push(Value::from(run.to_string()));
    }
    if !query.about.is_empty() {
        let marks = vec!["?"; query.about.len()].join(", ");
        all.push_str(&format!(" AND a.node IN ({marks})"));
        values.extend(query.about.iter().cloned().map(Value::from));
    }
    if let Some(kind) = query.kind {
        all.push_str(" AND a.kind = ?");
        values.push(Value::from(kind.to_string()));
    }
    (all, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_does_not_wait_for_a_reader_that_hangs() {
        let records = SqliteRecords::new(Path::new("never-opened.db"));
        let hangs = records.lend();
        assert!(records.without_readers(|| true));
        drop(hangs);
        assert!(records.lend().connection.is_none(), "readers go on");
    }

    #[test]
    fn readers_go_on_after_a_writer_that_panicked() {
        let records = SqliteRecords::new(Path::new("never-opened.db"));
        let panicked = std::panic::AssertUnwindSafe(|| records.without_readers(|| panic!("in a test")));
        assert!(std::panic::catch_unwind(panicked).is_err());
        assert!(records.lend().connection.is_none());
    }
}
