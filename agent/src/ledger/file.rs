//! The ledger on the disk: one append-only file.
//!
//! Format. Every line is `CHECKSUM JSON\n`. The first line has the format, the ledger's random id, the node and the machine-id. Each
//! further line is an event with a number that grows by one: `epoch`, `accepted`, `started`, `ended`.
//! Invariants. A line is fsynced before the call that wrote it returns, so every line on which the agent ever acted is whole.
//! Newer. A record with a right checksum that this version does not understand (an event, an op, an outcome) was written by a newer podlift
//! before a downgrade. It is kept byte for byte. The op that it names is skipped: it is not resumed or started again, and counts as
//! Indeterminate unless its outcome can be read. Every other op continues. The file is not compacted while it contains such a record. A
//! header of a newer format is refused as newer, not as damaged.
//! Recovery. A last line without its newline is the rest of an append that a power cut interrupted and that was never reported: it is cut
//! off. After damage anywhere else, or with another node's name or another machine-id, the ledger is refused and no op runs. Without a
//! file, a new ledger with a new id is made.
//! Compaction. A large file is replaced atomically by the same header, the highest epoch and the ops of the last runs, numbered anew. The
//! dropped ops' files in `ops/` are removed first: until the file is replaced, its records say that these ops have ended, so those files
//! are not needed.

use super::compact::{self, Entry};
use super::record::{
    Event, FAMILY, FORMAT, Header, Line, Outline, Owner, Record, read_line, read_record, write_line,
};
use super::{Accepted, Ledger, LedgerError, Lookup, OpenOp};
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::{Epoch, LedgerId, NodeName, OpId, OpOutcome, RunId};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

pub struct FileLedger {
    files: Arc<dyn Files>,
    header: Header,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seq: u64,
    /// Length of the valid part of the file, in bytes.
    len: usize,
    /// Length at the last compaction or the last check for one, in bytes.
    compacted: usize,
    /// An append failed half-way: what is behind `len` must be cut off before the next one.
    torn: bool,
    highest: Option<Epoch>,
    ops: BTreeMap<OpId, Entry>,
    runs: Vec<RunId>,
    /// Ops that records of a newer podlift name, with their outcome if it can be read.
    newer: BTreeMap<OpId, Option<OpOutcome>>,
    /// Number of those records.
    newer_records: usize,
}

const NEWER: &str = "the ledger has records of it that a newer podlift-agent wrote and this one does not understand; look at the node";

fn failed(source: io::Error) -> LedgerError {
    LedgerError::Io { path: paths::LEDGER.into(), source }
}

fn damaged(line: usize, why: impl Into<String>) -> LedgerError {
    LedgerError::Damaged { path: paths::LEDGER.into(), line, why: why.into() }
}

impl FileLedger {
    /// Opens the node's ledger, or makes a new one if there is none.
    pub fn open(files: Arc<dyn Files>, node: &NodeName, machine: &str) -> Result<Self, LedgerError> {
        match files.read(Path::new(paths::LEDGER)) {
            Ok(bytes) => Self::load(files, node, machine, &bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Self::create(files, node, machine),
            Err(e) => Err(failed(e)),
        }
    }

    fn create(files: Arc<dyn Files>, node: &NodeName, machine: &str) -> Result<Self, LedgerError> {
        let id = uuid::Uuid::new_v4().to_string();
        let id = LedgerId::new(id).map_err(|e| failed(io::Error::other(e)))?;
        let header = Header {
            format: FORMAT.into(),
            ledger: id,
            node: node.clone(),
            machine: machine.into(),
            more: serde_json::Map::new(),
        };
        let line = write_line(&header).map_err(|e| failed(e.into()))?;
        files.write(Path::new(paths::LEDGER), &line, 0o600).map_err(failed)?;
        let state = State { len: line.len(), ..State::default() };
        Ok(Self { files, header, state: Mutex::new(state) })
    }

    fn load(
        files: Arc<dyn Files>,
        node: &NodeName,
        machine: &str,
        bytes: &[u8],
    ) -> Result<Self, LedgerError> {
        // Cuts off the rest of an interrupted append.
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
        let (header, state) = read(&bytes[..whole])?;
        check_owner(&header, node, machine)?;
        if whole < bytes.len() {
            tracing::warn!(
                bytes = bytes.len() - whole,
                "cut off the ledger's last line: its append was interrupted"
            );
            files.write(Path::new(paths::LEDGER), &bytes[..whole], 0o600).map_err(failed)?;
        }
        Ok(Self { files, header, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn append(&self, state: &mut State, event: Event) -> Result<(), LedgerError> {
        let path = Path::new(paths::LEDGER);
        if state.torn {
            let bytes = self.files.read(path).map_err(failed)?;
            let whole = bytes.get(..state.len).ok_or_else(|| damaged(0, "the file has become shorter"))?;
            self.files.write(path, whole, 0o600).map_err(failed)?;
            state.torn = false;
        }
        let line = Line { seq: state.seq + 1, event };
        let bytes = write_line(&line).map_err(|e| failed(e.into()))?;
        if let Err(e) = self.files.append(path, &bytes) {
            state.torn = true;
            return Err(failed(e));
        }
        state.len += bytes.len();
        state.apply(&line).map_err(|why| damaged(0, why))
    }
}

impl FileLedger {
    /// Compacts the file if it is large and ops can be dropped. After a failure the ledger continues as it is.
    fn compact(&self, state: &mut State) {
        if state.newer_records > 0
            || state.len < compact::LARGE
            || state.len < state.compacted * 2
            || state.torn
        {
            return;
        }
        if let Err(error) = self.try_compact(state) {
            tracing::warn!(%error, "the ledger could not be made smaller; it goes on as it is");
        }
    }

    fn try_compact(&self, state: &mut State) -> Result<(), LedgerError> {
        let dropped = compact::dropped(&state.ops);
        state.compacted = state.len;
        if dropped.is_empty() {
            return Ok(());
        }
        for op in &dropped {
            for file in [paths::op_log(op), paths::op_exit(op), paths::op_memo(op)] {
                self.files.remove(&file).map_err(failed)?;
            }
        }
        let kept = state.ops.iter().filter(|(op, _)| !dropped.contains(*op));
        let bytes =
            compact::write(&self.header, state.highest.as_ref(), kept).map_err(|e| failed(e.into()))?;
        // Parses the new bytes as a starting agent does, so that an unreadable file never replaces a readable one.
        let path = Path::new(paths::LEDGER);
        let (_, fresh) = read(&bytes)?;
        if let Err(error) = self.files.write(path, &bytes, 0o600) {
            // The file may have been replaced even so, if only the sync of the directory failed.
            if self.files.read(path).map_err(failed)? != bytes {
                return Err(failed(error));
            }
        }
        tracing::info!(
            ops = dropped.len(),
            from = state.len,
            to = bytes.len(),
            "the ledger was made smaller"
        );
        *state = State { compacted: bytes.len(), ..fresh };
        Ok(())
    }
}

/// Parses header and state from whole lines.
fn read(bytes: &[u8]) -> Result<(Header, State), LedgerError> {
    let mut lines = bytes.split_inclusive(|b| *b == b'\n').map(|l| &l[..l.len() - 1]);
    let first = lines.next().ok_or_else(|| damaged(1, "the file is empty"))?;
    let header = header(first)?;
    let mut state = State { len: bytes.len(), ..State::default() };
    for (index, text) in lines.enumerate() {
        let record = read_record(text).map_err(|why| damaged(index + 2, why))?;
        let done = match record {
            Record::Known(line) => state.apply(&line),
            Record::Newer(outline) => state.skip(outline),
        };
        done.map_err(|why| damaged(index + 2, why))?;
    }
    Ok((header, state))
}

fn header(line: &[u8]) -> Result<Header, LedgerError> {
    #[derive(serde::Deserialize)]
    struct Any {
        format: String,
    }
    let Any { format } = read_line(line).map_err(|why| damaged(1, why))?;
    let version = format.strip_prefix(FAMILY).and_then(|version| version.parse::<u32>().ok());
    if format != FORMAT && version.is_some() {
        return Err(LedgerError::Newer { path: paths::LEDGER.into(), format });
    }
    read_line(line).map_err(|why| damaged(1, why))
}

/// The owner of the ledger on this disk; `None` if there is no ledger or it names no owner.
pub(crate) fn owner(files: &dyn Files) -> Option<Owner> {
    /// Bytes to read for the header, which has some hundred.
    const FIRST: usize = 64 << 10;
    let bytes = files.read_at(Path::new(paths::LEDGER), 0, FIRST).ok()?;
    let line = bytes.split(|b| *b == b'\n').next()?;
    let Header { node, machine, .. } = read_line(line).ok()?;
    Some(Owner { node, machine })
}

fn check_owner(header: &Header, node: &NodeName, machine: &str) -> Result<(), LedgerError> {
    let foreign = |what, theirs: &str, ours: &str| {
        Err(LedgerError::Foreign {
            path: paths::LEDGER.into(),
            what,
            theirs: theirs.into(),
            ours: ours.into(),
        })
    };
    if header.format != FORMAT {
        return Err(damaged(1, format!("format {:?}, expected {FORMAT:?}", header.format)));
    }
    if header.node != *node {
        return foreign("node", header.node.as_str(), node.as_str());
    }
    if header.machine != machine {
        return foreign("machine-id", &header.machine, machine);
    }
    Ok(())
}

impl State {
    fn apply(&mut self, line: &Line) -> Result<(), String> {
        if line.seq != self.seq + 1 {
            return Err(format!("it has number {}, expected {}", line.seq, self.seq + 1));
        }
        self.seq = line.seq;
        self.known(line)
    }

    /// Takes a record of a newer podlift: it counts as a record, and the op that it names is not this version's to run.
    fn skip(&mut self, outline: Outline) -> Result<(), String> {
        if outline.seq != self.seq + 1 {
            return Err(format!("it has number {}, expected {}", outline.seq, self.seq + 1));
        }
        self.seq = outline.seq;
        self.newer_records += 1;
        if let Some(op) = outline.op_id {
            let run = op.run().and_then(|run| RunId::new(run).ok()).filter(|run| !self.runs.contains(run));
            self.runs.extend(run);
            self.newer.entry(op).or_default();
        }
        Ok(())
    }

    fn known(&mut self, line: &Line) -> Result<(), String> {
        match &line.event {
            Event::Started { op_id } if self.only_newer(op_id) => {}
            Event::Ended { op_id, outcome } if self.only_newer(op_id) => {
                self.newer.insert(op_id.clone(), Some(outcome.clone()));
            }
            Event::Epoch { epoch } => self.highest = Some(epoch.clone()),
            Event::Accepted { op_id, accepted } => {
                let run = accepted.run().filter(|r| !self.runs.contains(r)).cloned();
                self.runs.extend(run);
                let entry =
                    Entry { seq: line.seq, accepted: accepted.clone(), started: false, outcome: None };
                // Whether an op may start at all is the executor's decision, made before with `lookup`.
                self.ops.insert(op_id.clone(), entry);
            }
            Event::Started { op_id } => self.entry(op_id)?.started = true,
            Event::Ended { op_id, outcome } => self.entry(op_id)?.outcome = Some(outcome.clone()),
        }
        Ok(())
    }

    /// Whether the op's acceptance is in a record that this version can't read.
    fn only_newer(&self, op: &OpId) -> bool {
        self.newer.contains_key(op) && !self.ops.contains_key(op)
    }

    fn entry(&mut self, op: &OpId) -> Result<&mut Entry, String> {
        self.ops.get_mut(op).ok_or_else(|| format!("op {op} was never accepted"))
    }
}

impl Ledger for FileLedger {
    fn id(&self) -> LedgerId {
        self.header.ledger.clone()
    }

    fn highest(&self) -> Option<Epoch> {
        self.state().highest.clone()
    }

    fn claim(&self, epoch: &Epoch) -> Result<bool, LedgerError> {
        let mut state = self.state();
        if state.highest.as_ref() == Some(epoch) {
            return Ok(true);
        }
        if !epoch.may_follow(state.highest.as_ref()) {
            return Ok(false);
        }
        self.append(&mut state, Event::Epoch { epoch: epoch.clone() }).map(|()| true)
    }

    fn lookup(&self, op: &OpId) -> Lookup {
        let state = self.state();
        let outcome = state.ops.get(op).and_then(|entry| entry.outcome.as_ref());
        let newer = state.newer.get(op);
        match (outcome.or(newer.and_then(Option::as_ref)), newer) {
            (Some(outcome), _) => Lookup::Ended(outcome.clone()),
            (None, Some(_)) => Lookup::Ended(OpOutcome::Indeterminate { why: NEWER.into() }),
            (None, None) if state.ops.contains_key(op) => Lookup::Running,
            (None, None) => Lookup::Unknown,
        }
    }

    fn accept(&self, op: &OpId, accepted: &Accepted) -> Result<(), LedgerError> {
        self.append(&mut self.state(), Event::Accepted { op_id: op.clone(), accepted: accepted.clone() })
    }

    fn started(&self, op: &OpId) -> Result<(), LedgerError> {
        self.append(&mut self.state(), Event::Started { op_id: op.clone() })
    }

    fn ended(&self, op: &OpId, outcome: &OpOutcome) -> Result<(), LedgerError> {
        let mut state = self.state();
        self.append(&mut state, Event::Ended { op_id: op.clone(), outcome: outcome.clone() })?;
        self.compact(&mut state);
        Ok(())
    }

    fn open_ops(&self) -> Vec<OpenOp> {
        let state = self.state();
        let mut open: Vec<_> = state
            .ops
            .iter()
            .filter(|(op, e)| e.outcome.is_none() && !state.newer.contains_key(*op))
            .collect();
        open.sort_by_key(|(_, e)| e.seq);
        open.into_iter()
            .map(|(id, e)| OpenOp { op_id: id.clone(), accepted: e.accepted.clone(), started: e.started })
            .collect()
    }

    fn runs(&self) -> Vec<RunId> {
        self.state().runs.clone()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

#[cfg(test)]
#[path = "compact_tests.rs"]
mod compact_tests;

#[cfg(test)]
#[path = "newer_tests.rs"]
mod newer_tests;

#[cfg(test)]
#[path = "fuzz.rs"]
mod fuzz;
