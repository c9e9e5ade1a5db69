//! All heals, on the disk. The intent of a heal is one fsynced line before the rename, its event another one after it; both are kept until
//! the coordinator has the heal. A last line that a power failure cut is skipped. An intent without an event counts as done if the file
//! shows it. Budgets and fights are the fold of the same lines.

mod line;

use crate::budget::{Budget, Fight};
pub use line::{How, Intent};
use line::{Line, component_of};
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::BootId;
use podlift_model::heal::{HealEvent, LastHeal};
use podlift_model::op::Component;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

const HISTORY: &str = "history.jsonl";
/// A history above this size with nothing pending is replaced by a new file with the lines that still matter.
const LARGE: usize = 256 << 10;

pub struct History {
    files: Arc<dyn Files>,
    boot: BootId,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Heals that the coordinator does not have, oldest first.
    pending: Vec<HealEvent>,
    /// Intents whose end is not recorded.
    open: Vec<Intent>,
    /// The newest heal of each file.
    last: BTreeMap<String, HealEvent>,
    budget: Budget,
    len: usize,
    /// The last line has no end, so the next write begins a new line first.
    torn: bool,
}

impl History {
    pub fn open(files: Arc<dyn Files>, boot: BootId) -> io::Result<Self> {
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
                Ok(line) => state.apply(line, &boot),
                Err(error) => tracing::warn!(%error, "skipped a line of the heal history that can't be read"),
            }
        }
        Ok(Self { files, boot, state: Mutex::new(state) })
    }

    /// Begins with an empty history, whatever is on the disk.
    pub fn empty(files: Arc<dyn Files>, boot: BootId) -> Self {
        Self { files, boot, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn append(&self, line: Line) -> io::Result<()> {
        let mut state = self.state();
        let mut bytes = if state.torn { b"\n".to_vec() } else { Vec::new() };
        serde_json::to_writer(&mut bytes, &line)?;
        bytes.push(b'\n');
        // If this write fails half-way, the next line must not continue it.
        state.torn = true;
        self.files.append(&paths::heal(HISTORY), &bytes)?;
        state.torn = false;
        state.len += bytes.len();
        state.apply(line, &self.boot);
        Ok(())
    }

    pub fn intent(&self, intent: Intent) -> io::Result<()> {
        self.append(Line::Intent(intent))
    }

    pub fn event(&self, event: HealEvent) -> io::Result<()> {
        self.append(Line::Event(event))
    }

    /// Records a fight, which stops the repairs of this component.
    pub fn fight(&self, component: Component, fight: Fight) -> io::Result<()> {
        self.append(Line::Fight { component, boot: self.boot.clone(), fight })
    }

    /// Begins budgets and fights anew, because a person or a run takes over.
    pub fn forgive(&self) -> io::Result<()> {
        let nothing = self.budget(|b| b.repairs().next().is_none() && b.fights().next().is_none());
        if nothing { Ok(()) } else { self.append(Line::Forgiven) }
    }

    /// The coordinator has this heal in its journal.
    pub fn ack(&self, id: &str) -> io::Result<()> {
        if !self.state().pending.iter().any(|e| e.id == id) {
            return Ok(());
        }
        self.append(Line::Acked(id.into()))?;
        let mut state = self.state();
        if state.len > LARGE && state.pending.is_empty() && state.open.is_empty() {
            let kept = state.of_use(&self.boot)?;
            self.files.write(&paths::heal(HISTORY), &kept, 0o600)?;
            state.len = kept.len();
        }
        Ok(())
    }

    pub fn pending(&self) -> Vec<HealEvent> {
        self.state().pending.clone()
    }

    pub fn open_intents(&self) -> Vec<Intent> {
        self.state().open.clone()
    }

    pub fn last(&self, file: &str) -> Option<LastHeal> {
        let state = self.state();
        let event = state.last.get(file)?;
        Some(LastHeal { id: event.id.clone(), at: event.at, rules: event.rules.clone() })
    }

    /// Calls `ask` with the budget.
    pub fn budget<T>(&self, ask: impl FnOnce(&Budget) -> T) -> T {
        ask(&self.state().budget)
    }
}

impl State {
    fn apply(&mut self, line: Line, boot: &BootId) {
        match line {
            // Another attempt at the same repair replaces the previous one.
            Line::Intent(intent) => {
                self.open.retain(|i| i.file != intent.file);
                self.open.push(intent);
            }
            Line::Event(event) => {
                let intent = self.open.iter().position(|i| i.id == event.id).map(|at| self.open.remove(at));
                if let Some(intent) = intent.filter(|i| i.boot.as_ref() == Some(boot) && !i.follows) {
                    let component = intent.component.or_else(|| component_of(&intent.file));
                    component.into_iter().for_each(|c| self.budget.spend(c, intent.clock));
                }
                self.last.insert(event.file.clone(), event.clone());
                self.pending.push(event);
            }
            Line::Acked(id) => self.pending.retain(|e| e.id != id),
            Line::Spent { component, boot: of, clock } if of == *boot => self.budget.spend(component, clock),
            Line::Fight { component, boot: of, fight } if of == *boot => {
                self.budget.begin_fight(component, fight)
            }
            Line::Spent { .. } | Line::Fight { .. } => {}
            Line::Forgiven => self.budget.forget(),
        }
    }

    /// The lines that still matter once the whole file is acknowledged.
    fn of_use(&self, boot: &BootId) -> io::Result<Vec<u8>> {
        let last = self.last.values().flat_map(|e| [Line::Event(e.clone()), Line::Acked(e.id.clone())]);
        let spent =
            |(component, clock): (Component, Duration)| Line::Spent { component, boot: boot.clone(), clock };
        let fight = |(component, fight): (Component, &Fight)| Line::Fight {
            component,
            boot: boot.clone(),
            fight: fight.clone(),
        };
        let (spent, fights) = (self.budget.repairs().map(spent), self.budget.fights().map(fight));
        let mut bytes = Vec::new();
        for line in last.chain(spent).chain(fights) {
            serde_json::to_writer(&mut bytes, &line)?;
            bytes.push(b'\n');
        }
        Ok(bytes)
    }
}

#[cfg(test)]
#[path = "history/tests.rs"]
mod tests;
