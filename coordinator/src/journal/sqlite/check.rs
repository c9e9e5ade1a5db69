//! Checks the whole file when it is opened: the chain, its head, and the index entry of every record.

use super::schema::{Stored, each_stored};
use super::{At, number, place};
use crate::journal::JournalError;
use crate::journal::query::Place;
use podlift_engine::machine::{ArchivedRun, Chain, ChainError, Event, Record, RunDigests};
use podlift_model::{Digest, RunId};
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;
use std::collections::BTreeMap;

/// The last record of an intact journal; an error if it is not intact.
pub(super) fn check(db: &mut Connection, at: &At) -> Result<Option<Record>, JournalError> {
    let mut walk = Walk::default();
    each_stored(db, at, |stored| match stored.row.json.is_empty() {
        true => walk.pass(&stored).map_err(|e| at.damaged(e)),
        false => walk.take(at, &stored),
    })?;
    if let Some(seq) = walk.emptied.values().min() {
        return Err(at.damaged(ChainError::Emptied { seq: *seq }));
    }
    ends(db, at, &walk.chain, walk.last.is_some())?;
    mend(db, at, &walk.misplaced)?;
    Ok(walk.last)
}

/// The state after some of the records.
#[derive(Default)]
struct Walk {
    chain: Chain,
    digests: RunDigests,
    last: Option<Record>,
    /// Records whose index entry is wrong or missing.
    misplaced: Vec<u64>,
    /// Runs with emptied records that no mark has named yet, and the first of those records.
    emptied: BTreeMap<RunId, u64>,
}

impl Walk {
    /// Passes an emptied record, of which only the hash is left.
    fn pass(&mut self, stored: &Stored) -> Result<(), ChainError> {
        let seq = stored.row.seq;
        let altered = |_| ChainError::Altered { seq };
        let run = stored.run.as_deref().and_then(|run| RunId::new(run).ok());
        let run = run.ok_or(ChainError::Emptied { seq })?;
        self.chain.skip(seq, Digest::try_from(stored.hash.clone()).map_err(altered)?)?;
        self.digests.take(&run, seq, &stored.hash);
        self.emptied.entry(run).or_insert(seq);
        Ok(())
    }

    fn take(&mut self, at: &At, stored: &Stored) -> Result<(), JournalError> {
        let record = stored.row.record()?;
        let failed = |e| newer(at, stored, &record, &e).unwrap_or_else(|| at.damaged(e));
        self.chain.take(&record).map_err(failed)?;
        if stored.hash != record.hash.as_str() {
            return Err(at.damaged(ChainError::Altered { seq: record.seq }));
        }
        if let Some(run) = &record.run {
            self.digests.take(run, record.seq, &stored.hash);
        }
        if let Event::RunsArchived { runs, .. } = &record.event {
            self.mark(record.seq, runs).map_err(|e| at.damaged(e))?;
        }
        if !is_placed(stored, &record) {
            self.misplaced.push(record.seq);
        }
        self.last = Some(record);
        Ok(())
    }

    /// Compares the mark of an archive with the records passed so far.
    fn mark(&mut self, seq: u64, runs: &[ArchivedRun]) -> Result<(), ChainError> {
        for run in runs {
            if !self.digests.has(run) {
                return Err(ChainError::Archive { seq, run: run.run.clone() });
            }
            self.emptied.remove(&run.run);
        }
        Ok(())
    }
}

/// The head is stored separately from the records, so that a lost tail is detected.
fn ends(db: &Connection, at: &At, chain: &Chain, any: bool) -> Result<(), JournalError> {
    let head: Option<(i64, String)> = db
        .query_row("SELECT seq, hash FROM head WHERE id = 1", [], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()
        .map_err(at.sqlite("read head"))?;
    let (seq, hash) = head.map(|(seq, hash)| (seq.unsigned_abs(), hash)).unwrap_or_default();
    chain.end(Some(seq)).map_err(|e| at.damaged(e))?;
    match any && chain.hash().as_str() != hash {
        true => Err(at.damaged(ChainError::Altered { seq })),
        false => Ok(()),
    }
}

fn is_placed(stored: &Stored, record: &Record) -> bool {
    let found = (stored.run.as_deref(), stored.node.as_deref(), stored.kind.as_deref());
    let Place { run, about, kind } = Place::of(record);
    found == (run, about, Some(kind))
}

/// Repairs the index. It holds nothing beyond the records, so wrong entries are written again.
fn mend(db: &mut Connection, at: &At, seqs: &[u64]) -> Result<(), JournalError> {
    let error = at.sqlite("mend the index");
    let transaction = db.transaction().map_err(&error)?;
    let sql = "DELETE FROM about WHERE seq NOT IN (SELECT seq FROM records)";
    let wrong = seqs.len() + transaction.execute(sql, []).map_err(&error)?;
    if wrong > 0 {
        tracing::warn!(records = wrong, "the journal's index was not that of its records; it is mended");
    }
    for seq in seqs {
        let sql = "SELECT json FROM records WHERE seq = ?1";
        let json: String = transaction.query_row(sql, [number(*seq)], |r| r.get(0)).map_err(&error)?;
        let row = crate::journal::Row { seq: *seq, json, file: at.0.into() };
        place(&transaction, &row.record()?).map_err(&error)?;
    }
    transaction.commit().map_err(&error)
}

/// Whether a wrong hash comes from a newer podlift, whose record has fields that this build does not read.
fn newer(at: &At, stored: &Stored, read: &Record, error: &ChainError) -> Option<JournalError> {
    let ChainError::Altered { seq } = *error else { return None };
    let (written, read) = (serde_json::from_str(&stored.row.json).ok()?, serde_json::to_value(read).ok()?);
    let why = format!("it has {}, which is not read here", more(&written, &read)?);
    Some(JournalError::Unknown { path: at.0.into(), seq, why })
}

/// Path of a key that was written and is not read.
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
