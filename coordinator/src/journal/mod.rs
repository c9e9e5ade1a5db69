//! The authoritative state of every run: an append-only, hash-chained list of records. It is never kept in the cluster that is being
//! upgraded.
//!
//! One writer appends (`Journal`); any number of readers read pages (`Records`). A reader never waits for the writer, and the writer
//! never waits for a reader.

pub mod archive;
mod error;
mod memory;
mod query;
mod sqlite;

pub use error::JournalError;
pub use memory::MemoryJournal;
pub use query::{PAGE, PAGE_BYTES, Query, Row, each};
pub use sqlite::SqliteJournal;

use jiff::Timestamp;
use podlift_engine::machine::{Event, Record};
use podlift_model::{Epoch, RunId};
use std::sync::Arc;

/// One writer. Every call is short and returns only when its effect is durable.
pub trait Journal: Send {
    /// Appends after record `expected_seq`, which must be the last one.
    fn append(
        &mut self,
        expected_seq: u64,
        at: Timestamp,
        run: Option<RunId>,
        epoch: Option<Epoch>,
        event: Event,
    ) -> Result<Record, JournalError>;
    /// Number of the last record; 0 if there is none.
    fn head(&self) -> u64;
    /// A port for reading what was appended.
    fn reader(&self) -> Arc<dyn Records>;
    /// Removes the content of at most `most` records of an archived run and keeps their hashes. Returns how many it emptied; 0 if none is
    /// left.
    fn empty(&mut self, run: &RunId, most: usize) -> Result<usize, JournalError>;
    /// Returns the room of emptied records to the file system.
    fn compact(&mut self) -> Result<(), JournalError>;
}

/// Reads what is durable. A page is one short transaction: between two pages a reader holds nothing.
pub trait Records: Send + Sync {
    /// At most one page of the matching records; empty if there are no more.
    fn page(&self, query: &Query) -> Result<Vec<Row>, JournalError>;
    /// How many records the query matches, whatever its limit.
    fn count(&self, query: &Query) -> Result<u64, JournalError>;
}
