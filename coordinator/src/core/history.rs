//! Queries that read the journal page by page: the last events of a node, heals, seals of backups. They do not wait for the writer, and
//! hold no more in memory than the answer.

use crate::journal::{JournalError, Query, each};
use crate::store::Store;
use podlift_engine::machine::{Event, Record};
use podlift_engine::view::{HealAsk, HealHistory, HealRecord};
use podlift_model::heal::HealEvent;
use podlift_model::{Digest, NodeName, RunId};

/// Name of the events that form the history of heals.
const HEALED: &str = "healed";
const BACKUP_MADE: &str = "backup-made";
/// Most records of one answer, whatever number is requested.
const MOST: usize = 10_000;

/// Questions about the records of a store.
pub(super) struct History<'a>(pub &'a Store);

impl History<'_> {
    /// The last `wanted` matching records, at most `MOST`, oldest first.
    pub fn last_records(&self, query: Query, wanted: usize) -> Result<Vec<Record>, JournalError> {
        let wanted = wanted.min(MOST);
        let mut found: Vec<Record> = vec![];
        let mut before = None;
        while found.len() < wanted {
            let query = Query { before, ..query.clone().last(wanted - found.len()) };
            let page = self.0.reader().page(&query)?;
            let Some(oldest) = page.last() else { break };
            before = Some(oldest.seq);
            for row in page {
                found.push(row.record()?);
            }
        }
        found.reverse();
        Ok(found)
    }

    pub fn heals_of(&self, node: &NodeName) -> Result<Vec<HealEvent>, JournalError> {
        let mut heals = vec![];
        each(self.0.reader().as_ref(), Query::kind(HEALED).about([node.as_str()]), |row| {
            heals.extend(HealRecord::of(row.record()?).map(|r| r.heal));
            Ok::<_, JournalError>(())
        })?;
        Ok(heals)
    }

    pub fn heal_history(&self, ask: &HealAsk) -> Result<HealHistory, JournalError> {
        let query = Query::kind(HEALED).about(ask.node.iter().map(NodeName::as_str));
        let heals = self.0.reader().count(&query)?;
        let last = match &ask.id {
            None => self.last_records(query, ask.last)?.into_iter().filter_map(HealRecord::of).collect(),
            Some(id) => self.heals_with(query, id, ask.last)?,
        };
        Ok(HealHistory { last, heals })
    }

    /// The last `wanted` heals with this id. Agents choose ids, so several nodes may have the same one.
    fn heals_with(&self, query: Query, id: &str, wanted: usize) -> Result<Vec<HealRecord>, JournalError> {
        let wanted = wanted.min(MOST);
        let mut found = std::collections::VecDeque::new();
        each(self.0.reader().as_ref(), query, |row| {
            found.extend(HealRecord::of(row.record()?).filter(|r| r.heal.id == id));
            while found.len() > wanted {
                found.pop_front();
            }
            Ok::<_, JournalError>(())
        })?;
        Ok(found.into())
    }

    /// The hash that the journal holds for a set. For a set of a run, it is in the run's state or in the mark of its archive.
    pub fn sealed_as(&self, name: &str) -> Result<Option<Digest>, JournalError> {
        let mut sealed = RunId::new(name).ok().and_then(|run| self.sealed_in(&run));
        each(self.0.reader().as_ref(), Query::kind(BACKUP_MADE), |row| {
            match row.record()?.event {
                Event::BackupMade { name: of, sha256, .. } if of == name => sealed = Some(sha256),
                _ => {}
            }
            Ok::<_, JournalError>(())
        })?;
        Ok(sealed)
    }

    fn sealed_in(&self, run: &RunId) -> Option<Digest> {
        match self.0.run(run) {
            Some(state) => state.seal.as_ref().map(|seal| seal.hash.clone()),
            None => self.0.archived(run)?.run.backup,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::MemoryJournal;
    use crate::testing::store;
    use podlift_engine::machine::seal;

    #[test]
    fn no_answer_is_longer_than_the_most() {
        let mut records: Vec<Record> = vec![];
        for _ in 0..MOST + 300 {
            let event = Event::AgentLost { node: "dgx030".parse().unwrap() };
            records.push(seal(records.last(), jiff::Timestamp::UNIX_EPOCH, None, None, event));
        }
        let last = records.last().map(|r| r.seq);
        let journal = MemoryJournal::of(records);
        let (store, most) = (store(&journal), usize::MAX);
        let history = History(&store);
        let found = history.last_records(Query::default(), most).unwrap();
        assert_eq!((found.len(), found.last().map(|r| r.seq)), (MOST, last));
        assert_eq!(history.last_records(Query::default(), 300).unwrap().len(), 300);
    }
}
