//! The ledger on the disk: one file, append-only.
//!
//! Format. Every line is `CHECKSUM JSON\n`. The first names the format, the ledger's random id, the node and the machine-id; each
//! further one is an event with a number that grows by one: `epoch`, `accepted`, `started`, `ended`.
//! Invariants. A line is fsynced before the call that wrote it returns; so a line that was ever acted upon is whole.
//! Recovery. A last line without its newline is what a power cut leaves of an append that nobody was told of: it is cut off. Damage
//! anywhere else, another node's name or another machine-id: the agent refuses to start. No file: a new ledger with a new id.
//! Compaction. A file that has grown large is replaced as a whole (the old one or the new one is there, never a mixture) by the same
//! header, the highest epoch and the ops of the last runs, numbered anew. What the dropped ops left in `ops/` goes first: until the file
//! is replaced they are known as ended, so that nobody looks for it.

use super::compact::{self, Entry};
use super::record::{Event, FORMAT, Header, Line, read_line, write_line};
use super::{Accepted, Ledger, LedgerError, Lookup, OpenOp};
use crate::host::Files;
use crate::paths;
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
    /// Bytes of the file that are whole.
    len: usize,
    /// Bytes after it was made smaller last, or looked at for that.
    compacted: usize,
    /// An append failed half-way: what is behind `len` has to go before the next one.
    torn: bool,
    highest: Option<Epoch>,
    ops: BTreeMap<OpId, Entry>,
    runs: Vec<RunId>,
}

fn failed(source: io::Error) -> LedgerError {
    LedgerError::Io { path: paths::LEDGER.into(), source }
}

fn damaged(line: usize, why: impl Into<String>) -> LedgerError {
    LedgerError::Damaged { path: paths::LEDGER.into(), line, why: why.into() }
}

impl FileLedger {
    /// Opens the node's ledger, or makes a new one where there is none.
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
        let header =
            Header { format: FORMAT.into(), ledger: id, node: node.clone(), machine: machine.into() };
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
        // Cut off what an interrupted append left behind.
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
    /// Makes the file smaller if it is large and that helps. A failure leaves things as they are.
    fn compact(&self, state: &mut State) {
        if state.len < compact::LARGE || state.len < state.compacted * 2 || state.torn {
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
        // Read as an agent that starts reads it: what can't be read must not take the place of what can.
        let path = Path::new(paths::LEDGER);
        let (_, fresh) = read(&bytes)?;
        if let Err(error) = self.files.write(path, &bytes, 0o600) {
            // It may have been replaced all the same, and only the directory was not synced.
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

/// Header and state out of whole lines.
fn read(bytes: &[u8]) -> Result<(Header, State), LedgerError> {
    let mut lines = bytes.split_inclusive(|b| *b == b'\n').map(|l| &l[..l.len() - 1]);
    let first = lines.next().ok_or_else(|| damaged(1, "the file is empty"))?;
    let header: Header = read_line(first).map_err(|why| damaged(1, why))?;
    let mut state = State { len: bytes.len(), ..State::default() };
    for (index, text) in lines.enumerate() {
        let line: Line = read_line(text).map_err(|why| damaged(index + 2, why))?;
        state.apply(&line).map_err(|why| damaged(index + 2, why))?;
    }
    Ok((header, state))
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
        match &line.event {
            Event::Epoch { epoch } => self.highest = Some(epoch.clone()),
            Event::Accepted { op_id, accepted } => {
                let run = accepted.run().filter(|r| !self.runs.contains(r)).cloned();
                self.runs.extend(run);
                let entry =
                    Entry { seq: line.seq, accepted: accepted.clone(), started: false, outcome: None };
                // Whether an op may start at all is the executor's question, asked with `lookup` before.
                self.ops.insert(op_id.clone(), entry);
            }
            Event::Started { op_id } => self.entry(op_id)?.started = true,
            Event::Ended { op_id, outcome } => self.entry(op_id)?.outcome = Some(outcome.clone()),
        }
        Ok(())
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
        match self.state().ops.get(op) {
            None => Lookup::Unknown,
            Some(Entry { outcome: None, .. }) => Lookup::Running,
            Some(Entry { outcome: Some(outcome), .. }) => Lookup::Ended(outcome.clone()),
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
        let mut open: Vec<_> = state.ops.iter().filter(|(_, e)| e.outcome.is_none()).collect();
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
