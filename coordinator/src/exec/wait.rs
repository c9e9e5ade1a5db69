//! How long a step has been waiting, and how long its goal has held.

use podlift_engine::program::Evidence;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Default)]
pub(super) struct Waits {
    /// When the step began to wait.
    since: Option<Instant>,
    /// When its goal began to hold with this evidence.
    steady: Option<(Instant, Evidence)>,
    reason: Option<String>,
    /// How often an operator had let the run go on at the last look.
    continued: u32,
}

impl Waits {
    /// Time of this wait. It begins if the step was not waiting, and begins anew when an operator has let the run go on since.
    pub fn time(&mut self, continued: u32) -> Duration {
        self.steady = None;
        if std::mem::replace(&mut self.continued, continued) != continued {
            self.restart();
        }
        self.since.get_or_insert_with(Instant::now).elapsed()
    }

    /// Begins to count the time of the wait again.
    pub fn restart(&mut self) {
        self.since = None;
    }

    /// Time for which the goal has held with the same evidence; counted from now if it did not hold before. Other evidence means that
    /// something was replaced between two looks, such as a container that was restarted.
    pub fn steady(&mut self, evidence: &Evidence) -> Duration {
        let same = self.steady.take().filter(|(_, before)| before == evidence);
        let (since, _) = self.steady.insert(same.unwrap_or_else(|| (Instant::now(), evidence.clone())));
        since.elapsed()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_operator_who_lets_the_run_go_on_gives_a_wait_its_whole_time_again() {
        let mut waits = Waits::default();
        assert_eq!(waits.time(0), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(65)).await;
        assert_eq!(waits.time(0), Duration::from_secs(65));
        assert_eq!(waits.time(1), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(waits.time(1), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn other_evidence_begins_the_time_again() {
        let seen = |what: &str| Evidence::Seen { what: what.into() };
        let mut waits = Waits::default();
        assert_eq!(waits.steady(&seen("container a")), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(waits.steady(&seen("container a")), Duration::from_secs(20));
        assert_eq!(waits.steady(&seen("container b")), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(waits.steady(&seen("container b")), Duration::from_secs(5));
        waits.unsteady();
        assert_eq!(waits.steady(&seen("container b")), Duration::ZERO);
    }
}
