//! The state that follows from the journal's records, and from nothing else. Each record is applied in turn.

use jiff::Timestamp;
use podlift_engine::machine::{self, ArchivedRun, Attested, Event, IllegalEvent, Record, RunState};
use podlift_engine::view::Sentinels;
use podlift_model::{Digest, Epoch, HostOp, LedgerId, NodeName, RunId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A run that has left the journal, and the file that has its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    pub run: ArchivedRun,
    pub file: String,
    /// Hash of that file.
    pub sha256: Digest,
}

/// Repairs of one object that are remembered.
const MENDS: usize = 8;
/// How the reason of a repair begins that created the object, and failed by what followed.
pub(crate) const CREATED: &str = "it was created";

/// A repair that could not create the object, such as while the API was away, says nothing of who deletes the object.
fn has_created(result: &Result<String, String>) -> bool {
    result.as_ref().map_or_else(|why| why.starts_with(CREATED), |_| true)
}

#[derive(Default)]
pub(crate) struct Fold {
    pub runs: BTreeMap<RunId, Arc<RunState>>,
    pub newest: Option<RunId>,
    pub ledgers: BTreeMap<NodeName, LedgerId>,
    pub heals: BTreeMap<NodeName, BTreeSet<String>>,
    pub adopted: BTreeSet<RunId>,
    /// The highest epoch in the journal.
    pub epoch: Option<Epoch>,
    pub attested: Attested,
    /// What the sentinel sees and has not cleared.
    pub sentinels: Sentinels,
    /// When the last repairs of each object ended that created it.
    pub mended: BTreeMap<String, Vec<Timestamp>>,
    /// The epoch that this coordinator holds. No record contains it before it is claimed.
    pub held: Option<Epoch>,
    pub archived: BTreeMap<RunId, Archived>,
    /// Numbers of the records that ended archived runs, used while reading a journal in which those records are empty.
    ends: BTreeSet<u64>,
    /// Those runs. Some of their records may still exist if a coordinator died while it emptied them.
    leaving: BTreeSet<RunId>,
}

impl Fold {
    /// The run's state after the event, or a refusal. It does not change the fold.
    pub fn next_state(
        &self,
        run: Option<&RunId>,
        at: Timestamp,
        event: &Event,
    ) -> Result<Option<RunState>, IllegalEvent> {
        let Some(run) = run else { return Ok(None) };
        let before = self.runs.get(run).map(|s| s.as_ref().clone());
        machine::apply(before, run, at, event).map(Some)
    }

    /// Applies a record that is in the journal; `state` is the result of `next_state`.
    pub fn take(&mut self, record: &Record, state: Option<RunState>) {
        self.note(record);
        if let Some(state) = state {
            self.runs.insert(state.run.clone(), Arc::new(state));
        }
    }

    /// Notes the mark of an archive before the journal is read from its beginning.
    pub fn expect(&mut self, mark: &Record) {
        if let Event::RunsArchived { runs, .. } = &mark.event {
            self.ends.extend(runs.iter().map(|r| r.ended_seq));
            self.leaving.extend(runs.iter().map(|r| r.run.clone()));
        }
    }

    /// Applies the next record of a journal that is read from its beginning. The run's state changes in place, because no reader has it
    /// yet.
    pub fn replay(&mut self, record: &Record) -> Result<(), IllegalEvent> {
        while self.ends.first().is_some_and(|end| *end < record.seq) {
            self.ends.pop_first();
            // Attestations before the end of that run belong to that run.
            self.attested = Attested::default();
        }
        if let Some(run) = record.run.as_ref().filter(|run| !self.leaving.contains(*run)) {
            match self.runs.get_mut(run) {
                Some(state) => machine::advance(Arc::make_mut(state), record.at, &record.event)?,
                None => {
                    let state = machine::apply(None, run, record.at, &record.event)?;
                    self.runs.insert(run.clone(), Arc::new(state));
                }
            }
        }
        self.note(record);
        Ok(())
    }

    fn note(&mut self, record: &Record) {
        self.attested.hear(record.at, &record.event);
        self.sentinels.hear(record.at, &record.event);
        match &record.event {
            Event::RunStarted { .. } => self.newest = record.run.clone(),
            Event::AgentConnected { node, ledger } | Event::LedgerChanged { node, now: ledger, .. } => {
                self.ledgers.insert(node.clone(), ledger.clone());
            }
            Event::Healed { heal } => {
                self.heals.entry(heal.node.clone()).or_default().insert(heal.id.clone());
            }
            Event::MendEnded { object, result, .. } if has_created(result) => {
                let ended = self.mended.entry(object.clone()).or_default();
                ended.push(record.at);
                let old = ended.len().saturating_sub(MENDS);
                ended.drain(..old);
            }
            Event::RunsAdopted { runs, .. } => self.adopted.extend(runs.iter().cloned()),
            // A snapshot for a backup outside of any run. The agent remembers its name like the name of a run.
            Event::NodeAsked { op: HostOp::EtcdSnapshot { run }, .. } => {
                self.adopted.insert(run.clone());
            }
            Event::EpochClaimed { epoch, .. }
                if self.epoch.as_ref().is_none_or(|e| epoch.number >= e.number) =>
            {
                self.epoch = Some(epoch.clone());
            }
            Event::RunsArchived { file, sha256, runs, .. } => {
                for run in runs {
                    self.runs.remove(&run.run);
                    let (file, sha256) = (file.clone(), sha256.clone());
                    self.archived.insert(run.run.clone(), Archived { run: run.clone(), file, sha256 });
                }
            }
            _ => {}
        }
    }
}
