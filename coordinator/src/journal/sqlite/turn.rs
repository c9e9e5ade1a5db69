//! Pages and checkpoints take turns: a checkpoint between two pages can restart the log at its beginning.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the writer waits for the page being read. A reader on a disk that hangs must not block the writer.
const PATIENCE: Duration = Duration::from_millis(20);

#[derive(Default)]
pub(super) struct Turn {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// A page is being read.
    reading: bool,
    /// The writer waits or works. No new page begins before its turn is over.
    writing: bool,
}

/// The reader's turn, which ends even if the reader fails.
pub(super) struct ReadTurn<'a>(&'a Turn);

impl Drop for ReadTurn<'_> {
    fn drop(&mut self) {
        self.0.set(|state| state.reading = false);
    }
}

/// The writer's turn, which ends even if the writer fails.
struct WriteTurn<'a>(&'a Turn);

impl Drop for WriteTurn<'_> {
    fn drop(&mut self) {
        self.0.set(|state| state.writing = false);
    }
}

impl Turn {
    /// Waits while the writer has its turn.
    pub fn read(&self) -> ReadTurn<'_> {
        let waited = self.changed.wait_while(self.lock(), |state| state.writing);
        waited.unwrap_or_else(PoisonError::into_inner).reading = true;
        ReadTurn(self)
    }

    /// Runs `act` while no page is read. Most pages take about a millisecond; after `PATIENCE`, `act` runs beside a page that takes longer.
    /// No other page begins meanwhile.
    pub fn write<T>(&self, act: impl FnOnce() -> T) -> T {
        self.set(|state| state.writing = true);
        let _turn = WriteTurn(self);
        drop(self.changed.wait_timeout_while(self.lock(), PATIENCE, |state| state.reading));
        act()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_does_not_wait_for_a_reader_that_hangs() {
        let turn = Turn::default();
        let hangs = turn.read();
        assert!(turn.write(|| true));
        drop(hangs);
        drop(turn.read());
    }

    #[test]
    fn readers_go_on_after_a_writer_that_panicked() {
        let turn = Turn::default();
        let panicked = std::panic::AssertUnwindSafe(|| turn.write(|| panic!("in a test")));
        assert!(std::panic::catch_unwind(panicked).is_err());
        drop(turn.read());
    }
}
