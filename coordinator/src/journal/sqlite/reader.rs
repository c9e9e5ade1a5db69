//! The reader of the file: one thread with a read-only connection and a transaction for each page. It has a lower priority than the
//! writer, so that many readers delay an append only by the lock of the disk. With the write-ahead log, the reader and the writer do not
//! wait for each other. No page stays open, so a slow reader never delays a checkpoint.

use super::turn::Turn;
use super::{At, EMPTIED, number};
use crate::journal::{JournalError, PAGE_BYTES, Query, Records, Row};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use std::path::Path;
use std::sync::{Arc, mpsc};

/// Nice value of the reading thread: the scheduler prefers the writer's thread.
const NICE: i32 = 10;

type Read = Box<dyn FnOnce(&mut Reading) + Send>;

/// Questions to the reading thread, which answers them one after another. One reader passes over a million records a second; more would
/// take processors from the writer. The thread ends with the last question after this value is dropped.
pub(super) struct SqliteRecords {
    path: Arc<Path>,
    asks: mpsc::Sender<Read>,
    turn: Arc<Turn>,
}

/// What the reading thread has.
struct Reading {
    path: Arc<Path>,
    /// `None` until the first question, and after a connection that failed.
    connection: Option<Connection>,
    turn: Arc<Turn>,
}

impl SqliteRecords {
    /// Starts the thread; the file is opened at the first question.
    pub fn new(path: &Path) -> Result<Self, JournalError> {
        let (asks, asked) = mpsc::channel::<Read>();
        let (path, turn): (Arc<Path>, _) = (path.into(), Arc::new(Turn::default()));
        let mut reading = Reading { path: path.clone(), connection: None, turn: turn.clone() };
        let thread = std::thread::Builder::new().name("journal-reader".into()).spawn(move || {
            if let Err(error) = rustix::process::setpriority_process(None, NICE) {
                tracing::debug!(%error, "the journal's reader keeps the priority of the process");
            }
            asked.into_iter().for_each(|read| read(&mut reading));
        });
        thread.map_err(|source| JournalError::Open { path: path.to_path_buf(), source })?;
        Ok(Self { path, asks, turn })
    }

    /// Has the thread run `read`, and waits for the answer.
    fn with<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (answer, answered) = mpsc::sync_channel(1);
        let ask = Box::new(move |reading: &mut Reading| drop(answer.send(reading.read(read))));
        let gone = || JournalError::ReaderGone { path: self.path.to_path_buf() };
        self.asks.send(ask).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }

    /// Runs `act` while no page is read, if the reader ends its page in time (`Turn::write`).
    pub fn without_readers<T>(&self, act: impl FnOnce() -> T) -> T {
        self.turn.write(act)
    }
}

impl Reading {
    fn read<T>(
        &mut self,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, JournalError> {
        let at = At(&self.path);
        let _turn = self.turn.read();
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.path).map_err(at.sqlite("open for reading"))?,
        };
        let found = read(&connection).map_err(at.sqlite("read"))?;
        self.connection = Some(connection);
        Ok(found)
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
        let (file, query) = (self.path.clone(), query.clone());
        self.with(move |db| page(db, &file, &query))
    }

    fn count(&self, query: &Query) -> Result<u64, JournalError> {
        let (conditions, values) = conditions(query);
        let sql = format!("SELECT count(*) FROM about a WHERE {conditions}");
        self.with(move |db| {
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
