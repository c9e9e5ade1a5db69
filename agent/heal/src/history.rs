//! Every heal, on the disk: its intent in one fsynced line before the rename, its event in another one after it, kept until the
//! coordinator has it. A last line cut by a power failure is skipped; an intent without an event counts as done if the file shows it.

use jiff::Timestamp;
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::Digest;
use podlift_model::heal::HealEvent;
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

const HISTORY: &str = "history.jsonl";
/// Larger than this and nothing pending: begin a new file.
const LARGE: usize = 256 << 10;

/// What is about to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    pub id: String,
    pub file: String,
    pub rules: Vec<String>,
    pub at: Timestamp,
    pub before: Digest,
    pub after: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Intent(Intent),
    Event(HealEvent),
    Acked(String),
}

pub struct History {
    files: Arc<dyn Files>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Heals that the coordinator does not have, oldest first.
    pending: Vec<HealEvent>,
    /// Intents whose end was not recorded.
    open: Vec<Intent>,
    len: usize,
    /// The last line has no end: begin a new one first.
    torn: bool,
}

impl History {
    pub fn open(files: Arc<dyn Files>) -> io::Result<Self> {
        let bytes = match files.read(&paths::heal(HISTORY)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        let mut state = State {
            len: bytes.len(),
            torn: !bytes.is_empty() && !bytes.ends_with(b"\n"),
            ..State::default()
        };
        for line in bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(line) => state.apply(line),
                Err(error) => tracing::warn!(%error, "skipped a line of the heal history that can't be read"),
            }
        }
        Ok(Self { files, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn append(&self, line: Line) -> io::Result<()> {
        let mut state = self.state();
        let mut bytes = if state.torn { b"\n".to_vec() } else { Vec::new() };
        serde_json::to_writer(&mut bytes, &line)?;
        bytes.push(b'\n');
        // If this fails half-way, the next line must not continue it.
        state.torn = true;
        self.files.append(&paths::heal(HISTORY), &bytes)?;
        state.torn = false;
        state.len += bytes.len();
        state.apply(line);
        Ok(())
    }

    pub fn intent(&self, intent: Intent) -> io::Result<()> {
        self.append(Line::Intent(intent))
    }

    pub fn event(&self, event: HealEvent) -> io::Result<()> {
        self.append(Line::Event(event))
    }

    /// The coordinator has it in its journal.
    pub fn ack(&self, id: &str) -> io::Result<()> {
        if !self.state().pending.iter().any(|e| e.id == id) {
            return Ok(());
        }
        self.append(Line::Acked(id.into()))?;
        let mut state = self.state();
        if state.len > LARGE && state.pending.is_empty() && state.open.is_empty() {
            self.files.write(&paths::heal(HISTORY), b"", 0o600)?;
            state.len = 0;
        }
        Ok(())
    }

    pub fn pending(&self) -> Vec<HealEvent> {
        self.state().pending.clone()
    }

    pub fn open_intents(&self) -> Vec<Intent> {
        self.state().open.clone()
    }
}

impl State {
    fn apply(&mut self, line: Line) {
        match line {
            // A further attempt at the same repair takes the place of the one before.
            Line::Intent(intent) => {
                self.open.retain(|i| i.file != intent.file);
                self.open.push(intent);
            }
            Line::Event(event) => {
                self.open.retain(|i| i.id != event.id);
                self.pending.push(event);
            }
            Line::Acked(id) => self.pending.retain(|e| e.id != id),
        }
    }
}
