//! Which ops a ledger may forget, and the content of the smaller file. Pure. An op is forgotten only if it has ended and was accepted
//! before the last runs began. No coordinator asks for it any more, because a cluster has one run at a time and older epochs are refused.

use super::Accepted;
use super::record::{Event, Header, Line, write_line};
use podlift_model::{Epoch, OpId, OpOutcome};
use std::collections::{BTreeMap, BTreeSet};

/// Smaller files are not compacted: a run writes some tens of kilobytes on a node.
pub(super) const LARGE: usize = 256 << 10;
/// Number of runs whose ops are kept, the current one included.
const RUNS: usize = 3;

/// An op in the ledger's memory.
pub(super) struct Entry {
    pub seq: u64,
    pub accepted: Accepted,
    pub started: bool,
    pub outcome: Option<OpOutcome>,
}

/// Ops that may be forgotten.
pub(super) fn dropped(ops: &BTreeMap<OpId, Entry>) -> BTreeSet<OpId> {
    let Some(first) = first_kept(ops) else { return BTreeSet::new() };
    let old = ops.iter().filter(|(_, e)| e.seq < first && e.outcome.is_some());
    old.map(|(op, _)| op.clone()).collect()
}

/// Number of the record with which the oldest kept run began; `None` if there are no more runs than are kept.
fn first_kept(ops: &BTreeMap<OpId, Entry>) -> Option<u64> {
    let mut began: BTreeMap<&str, u64> = BTreeMap::new();
    for (op, entry) in ops {
        if let Some(run) = op.run() {
            let seq = began.entry(run).or_insert(entry.seq);
            *seq = entry.seq.min(*seq);
        }
    }
    let mut all: Vec<u64> = began.into_values().collect();
    all.sort_unstable();
    all.len().checked_sub(RUNS).filter(|dropped| *dropped > 0).map(|dropped| all[dropped])
}

/// The file: header, highest epoch, and each op with its state, in the order of their acceptance.
pub(super) fn write<'a>(
    header: &Header,
    highest: Option<&Epoch>,
    ops: impl Iterator<Item = (&'a OpId, &'a Entry)>,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut ops: Vec<_> = ops.collect();
    ops.sort_by_key(|(_, entry)| entry.seq);
    let epoch = highest.map(|epoch| Event::Epoch { epoch: epoch.clone() });
    let events = epoch.into_iter().chain(ops.into_iter().flat_map(|(op, entry)| events(op, entry)));
    let mut bytes = write_line(header)?;
    for (seq, event) in (1..).zip(events) {
        bytes.extend(write_line(&Line { seq, event })?);
    }
    Ok(bytes)
}

fn events(op: &OpId, entry: &Entry) -> impl Iterator<Item = Event> {
    let op_id = || op.clone();
    let started = entry.started.then(|| Event::Started { op_id: op_id() });
    let ended = entry.outcome.clone().map(|outcome| Event::Ended { op_id: op_id(), outcome });
    [Event::Accepted { op_id: op_id(), accepted: entry.accepted.clone() }]
        .into_iter()
        .chain(started)
        .chain(ended)
}
