//! How long a step has been waiting, and how long its goal has held.

use std::time::Duration;
use tokio::time::Instant;

#[derive(Default)]
pub(super) struct Waits {
    /// When the step began to wait.
    since: Option<Instant>,
    /// When its goal began to hold.
    steady: Option<Instant>,
    reason: Option<String>,
}

impl Waits {
    /// Time of this wait; the wait begins if the step was not waiting.
    pub fn time(&mut self) -> Duration {
        self.steady = None;
        self.since.get_or_insert_with(Instant::now).elapsed()
    }

    /// Begins to count the time of the wait again.
    pub fn restart(&mut self) {
        self.since = None;
    }

    /// Time for which the goal has held; counted from now if it did not hold before.
    pub fn steady(&mut self) -> Duration {
        self.steady.get_or_insert_with(Instant::now).elapsed()
    }

    pub fn unsteady(&mut self) {
        self.steady = None;
    }

    /// The step acts: its wait is over.
    pub fn over(&mut self) {
        (self.since, self.reason) = (None, None);
    }

    /// Whether the reason is another one than before.
    pub fn is_new(&mut self, reason: &str) -> bool {
        let new = self.reason.as_deref() != Some(reason);
        if new {
            self.reason = Some(reason.into());
        }
        new
    }
}
