//! Queries of the journal, and the rows that they return. Pages have a limit in number and in bytes, so that no query needs more memory
//! than one page.

use super::{JournalError, Records};
use podlift_engine::machine::{Event, Record};
use podlift_engine::view::node::subject;
use podlift_model::RunId;
use std::path::Path;
use std::sync::Arc;

/// Most records of one page, which is read in about a millisecond.
pub const PAGE: usize = 256;
/// Bytes at which a page ends. Only the start of a run may be larger, because it holds the plan.
pub const PAGE_BYTES: usize = 1 << 20;

/// Records from number `from` on, oldest first, that match every given field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pub run: Option<RunId>,
    /// Subjects (`view::node::subject`), one of which the record must have. Empty matches all records, also those without a subject.
    pub about: Vec<String>,
    /// Name of the event.
    pub kind: Option<&'static str>,
    pub from: u64,
    /// Only records before this one.
    pub before: Option<u64>,
    /// Reads backwards from the end: the page holds the last records, newest first. `from` remains the lowest number.
    pub newest_first: bool,
    /// Most records of the page, at most `PAGE`; `None` means `PAGE`.
    pub limit: Option<usize>,
}

impl Query {
    pub fn from(from: u64) -> Self {
        Self { from, ..Self::default() }
    }
    pub fn run(run: Option<&RunId>, from: u64) -> Self {
        Self { run: run.cloned(), from, ..Self::default() }
    }
    pub fn kind(kind: &'static str) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }
    pub fn about(self, about: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { about: about.into_iter().map(Into::into).collect(), ..self }
    }
    /// The last `limit` records that match, newest first.
    pub fn last(self, limit: usize) -> Self {
        Self { newest_first: true, limit: Some(limit), ..self }
    }

    pub(super) fn most(&self) -> usize {
        self.limit.unwrap_or(PAGE).min(PAGE)
    }
    pub(super) fn matches(&self, record: &Record) -> bool {
        let Place { run, about, kind } = Place::of(record);
        record.seq >= self.from
            && self.before.is_none_or(|before| record.seq < before)
            && self.run.as_ref().is_none_or(|r| run == Some(r.as_str()))
            && self.kind.is_none_or(|k| k == kind)
            && (self.about.is_empty() || about.is_some_and(|a| self.about.iter().any(|b| b == a)))
    }
}

/// The index entry of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub run: Option<&'a str>,
    pub about: Option<&'a str>,
    pub kind: &'a str,
}

impl<'a> Place<'a> {
    pub fn of(record: &'a Record) -> Self {
        let event: &Event = &record.event;
        Self { run: record.run.as_ref().map(RunId::as_str), about: subject(event), kind: event.name() }
    }
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub seq: u64,
    /// The whole record.
    pub json: String,
    /// The journal's file, for errors.
    pub(super) file: Arc<Path>,
}

impl Row {
    pub fn record(&self) -> Result<Record, JournalError> {
        serde_json::from_str(&self.json).map_err(|e| {
            let (path, seq, why) = (self.file.to_path_buf(), self.seq, e.to_string());
            match e.is_data() {
                true => JournalError::Unknown { path, seq, why },
                false => JournalError::Unreadable { path, seq, why },
            }
        })
    }
}

/// Passes every matching record to `take`, oldest first, page after page.
pub fn each<E: From<JournalError>>(
    records: &dyn Records,
    mut query: Query,
    mut take: impl FnMut(Row) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let page = records.page(&query)?;
        let Some(last) = page.last() else { return Ok(()) };
        query.from = last.seq + 1;
        page.into_iter().try_for_each(&mut take)?;
    }
}
