//! Runs that have left the journal: what the journal keeps of them, and the file with their records.
//!
//! A file is lines of JSON. The first line is the header (`podlift.archive/v1`). Each other line is a record exactly as the journal had it,
//! run after run. The header has each run's number of records and a digest over their hashes, so the file can be verified without the
//! journal. The journal has the hash of the whole file.

use super::archived_run::ArchivedRun;
use super::chain::Record;
use jiff::Timestamp;
use podlift_model::{ClusterName, Digest, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const ARCHIVE_SCHEMA: &str = "podlift.archive/v1";

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArchiveHeader {
    pub schema: String,
    pub cluster: ClusterName,
    pub made_at: Timestamp,
    pub by: String,
    pub before: Timestamp,
    pub runs: Vec<ArchivedRun>,
}

/// A digest over the records of one run, extended record by record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDigest {
    pub records: u64,
    pub digest: Digest,
}

impl RunDigest {
    pub fn new(run: &RunId) -> Self {
        Self { records: 0, digest: Digest::of(run.as_str()) }
    }

    /// Adds the run's next record by its number and hash.
    pub fn take(&mut self, seq: u64, hash: &str) {
        self.records += 1;
        self.digest = Digest::of(format!("{} {seq} {hash}", self.digest));
    }

    /// Whether the records taken so far are those that `run` names.
    pub fn is_of(&self, run: &ArchivedRun) -> bool {
        (self.records, &self.digest) == (run.records, &run.chain)
    }
}

/// The digests of all runs of a journal, made in one pass from its beginning.
#[derive(Debug, Clone, Default)]
pub struct RunDigests(BTreeMap<RunId, RunDigest>);

impl RunDigests {
    pub fn take(&mut self, run: &RunId, seq: u64, hash: &str) {
        self.0.entry(run.clone()).or_insert_with(|| RunDigest::new(run)).take(seq, hash);
    }

    /// Whether the records read so far are those that `run` names.
    pub fn has(&self, run: &ArchivedRun) -> bool {
        self.0.get(&run.run).is_some_and(|d| d.is_of(run))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    #[error("the first line is not the header of an archive: {0}")]
    Header(String),
    #[error("it has form {found:?}, this podlift knows {ARCHIVE_SCHEMA}")]
    Schema { found: String },
    #[error("line {line} is not a record: {why}")]
    Line { line: u64, why: String },
    #[error("record {seq} was altered: its content does not have its hash")]
    Altered { seq: u64 },
    #[error("record {seq} does not follow the one before it")]
    Broken { seq: u64 },
    #[error("record {seq} is of no run that the header names")]
    Foreign { seq: u64 },
    #[error("the records of run {run} are not those that the header names: {found} of {expected} are there")]
    Run { run: RunId, found: u64, expected: u64 },
}

/// Verifies a file, line by line.
#[derive(Debug)]
pub struct ArchiveCheck {
    pub header: ArchiveHeader,
    lines: u64,
    last: Option<(u64, Digest)>,
    found: BTreeMap<RunId, RunDigest>,
}

impl ArchiveCheck {
    /// Begins with the header line.
    pub fn begin(header: &str) -> Result<Self, ArchiveError> {
        let header: ArchiveHeader =
            serde_json::from_str(header).map_err(|e| ArchiveError::Header(e.to_string()))?;
        if header.schema != ARCHIVE_SCHEMA {
            return Err(ArchiveError::Schema { found: header.schema });
        }
        let found = header.runs.iter().map(|r| (r.run.clone(), RunDigest::new(&r.run))).collect();
        Ok(Self { header, lines: 1, last: None, found })
    }

    pub fn line(&mut self, line: &str) -> Result<(), ArchiveError> {
        self.lines += 1;
        let not = |e: serde_json::Error| ArchiveError::Line { line: self.lines, why: e.to_string() };
        let record: Record = serde_json::from_str(line).map_err(not)?;
        let seq = record.seq;
        if !record.is_intact() {
            return Err(ArchiveError::Altered { seq });
        }
        let follows = match &self.last {
            Some((last, hash)) if seq == last + 1 => record.prev == *hash,
            Some((last, _)) => seq > *last,
            None => true,
        };
        if !follows {
            return Err(ArchiveError::Broken { seq });
        }
        let digest = record.run.as_ref().and_then(|run| self.found.get_mut(run));
        digest.ok_or(ArchiveError::Foreign { seq })?.take(seq, record.hash.as_str());
        self.last = Some((seq, record.hash));
        Ok(())
    }

    /// Ends the check after the last line. Returns the number of records.
    pub fn end(&self) -> Result<u64, ArchiveError> {
        let wrong = self.header.runs.iter().find(|r| !self.found[&r.run].is_of(r));
        match wrong {
            Some(r) => Err(ArchiveError::Run {
                run: r.run.clone(),
                found: self.found[&r.run].records,
                expected: r.records,
            }),
            None => Ok(self.found.values().map(|d| d.records).sum()),
        }
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
