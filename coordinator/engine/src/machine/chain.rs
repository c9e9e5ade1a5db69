//! Records of the journal, chained by hash. Each record has the hash of the one before, so an altered, missing or foreign record is
//! detected. hash = SHA-256 of the JSON of (seq, at, run, epoch, prev, event).

use super::event::Event;
use jiff::Timestamp;
use podlift_model::{Digest, Epoch, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name and version of a record as a document.
pub const EVENT_SCHEMA: &str = "podlift.event/v1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// From 1, without gaps.
    pub seq: u64,
    pub at: Timestamp,
    /// `None` if the record is about the fleet and not about a run.
    pub run: Option<RunId>,
    /// Epoch of the coordinator that wrote it; `None` if that coordinator had no epoch yet.
    pub epoch: Option<Epoch>,
    #[serde(flatten)]
    pub event: Event,
    pub prev: Digest,
    pub hash: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("journal record {seq} is missing: the journal goes from {last} to {found}")]
    Gap { seq: u64, last: u64, found: u64 },
    #[error("journal record {seq} does not follow the one before it: its predecessor's hash differs")]
    Broken { seq: u64 },
    #[error("journal record {seq} was altered: its content does not have its hash")]
    Altered { seq: u64 },
    #[error("journal record {seq} is empty, and no later record says that its run was archived")]
    Emptied { seq: u64 },
    #[error("the records of archived run {run} are not those that record {seq} names")]
    Archive { seq: u64, run: RunId },
    #[error("the journal ends at record {found}, its head says {expected}: the tail is lost")]
    Truncated { found: u64, expected: u64 },
}

/// The `prev` hash of the first record.
pub fn genesis() -> Digest {
    Digest::of("podlift journal v1")
}

/// Makes the record that follows `last`.
pub fn seal(
    last: Option<&Record>,
    at: Timestamp,
    run: Option<RunId>,
    epoch: Option<Epoch>,
    event: Event,
) -> Record {
    let (seq, prev) = last.map_or((1, genesis()), |r| (r.seq + 1, r.hash.clone()));
    let hash = hash(seq, at, &run, &epoch, &prev, &event);
    Record { seq, at, run, epoch, event, prev, hash }
}

/// Checks the chain of all records from the first. `head` is the number of the last record, if another source has it.
pub fn verify(records: &[Record], head: Option<u64>) -> Result<(), ChainError> {
    let mut chain = Chain::default();
    records.iter().try_for_each(|r| chain.take(r))?;
    chain.end(head)
}

/// A walk along the chain, record by record, so that a reader does not need all records in memory.
#[derive(Debug, Clone)]
pub struct Chain {
    last: u64,
    prev: Digest,
}

impl Default for Chain {
    fn default() -> Self {
        Self { last: 0, prev: genesis() }
    }
}

impl Chain {
    /// Checks that `r` is the next record and that its content has its hash.
    pub fn take(&mut self, r: &Record) -> Result<(), ChainError> {
        self.follows(r.seq)?;
        if r.prev != self.prev {
            return Err(ChainError::Broken { seq: r.seq });
        }
        if !r.is_intact() {
            return Err(ChainError::Altered { seq: r.seq });
        }
        (self.last, self.prev) = (r.seq, r.hash.clone());
        Ok(())
    }

    /// Takes the next record by its hash alone, because its content is in an archive.
    pub fn skip(&mut self, seq: u64, hash: Digest) -> Result<(), ChainError> {
        self.follows(seq)?;
        (self.last, self.prev) = (seq, hash);
        Ok(())
    }

    /// Checks that the chain ends at record `head`, if that number is known.
    pub fn end(&self, head: Option<u64>) -> Result<(), ChainError> {
        match head {
            Some(expected) if expected != self.last => {
                Err(ChainError::Truncated { found: self.last, expected })
            }
            _ => Ok(()),
        }
    }

    /// Hash of the last record; the genesis hash before the first record.
    pub fn hash(&self) -> &Digest {
        &self.prev
    }

    fn follows(&self, seq: u64) -> Result<(), ChainError> {
        let last = self.last;
        match seq == last + 1 {
            true => Ok(()),
            false => Err(ChainError::Gap { seq: last + 1, last, found: seq }),
        }
    }
}

impl Record {
    /// Whether the content matches the record's hash.
    pub fn is_intact(&self) -> bool {
        self.hash == hash(self.seq, self.at, &self.run, &self.epoch, &self.prev, &self.event)
    }
}

fn hash(
    seq: u64,
    at: Timestamp,
    run: &Option<RunId>,
    epoch: &Option<Epoch>,
    prev: &Digest,
    event: &Event,
) -> Digest {
    Digest::of(serde_json::to_vec(&(seq, at, run, epoch, prev, event)).unwrap_or_default())
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
