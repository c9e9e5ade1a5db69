//! Reports the state of this process to systemd: ready, alive, stopping. It does nothing without NOTIFY_SOCKET.

use sd_notify::NotifyState;
use std::time::Duration;
use tokio::time::Instant;

/// Longest turn of the loop that drives a run: a third of what the unit allows.
pub(crate) const TURN: Duration = Duration::from_secs(15);
/// Shortest time between two reports, because a loop may turn thousands of times a second.
const RARELY: Duration = Duration::from_secs(1);

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd was not told");
    }
}

pub(crate) fn ready() {
    tell(NotifyState::Ready);
}

pub(crate) fn stopping() {
    tell(NotifyState::Stopping);
}

/// Reports that its owner is alive whenever the owner calls it, but at a limited rate.
#[derive(Debug, Default)]
pub(crate) struct Watchdog {
    told: Option<Instant>,
}

impl Watchdog {
    pub fn alive(&mut self) {
        if self.due(Instant::now()) {
            tell(NotifyState::Watchdog);
        }
    }

    fn due(&mut self, now: Instant) -> bool {
        let due = self.told.is_none_or(|at| now.duration_since(at) >= RARELY);
        if due {
            self.told = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_busy_loop_tells_once_a_second() {
        let mut watchdog = Watchdog::default();
        let mut told = 0;
        for _ in 0..100 {
            told += u32::from(watchdog.due(Instant::now()));
            tokio::time::advance(Duration::from_millis(25)).await;
        }
        assert_eq!(told, 3);
    }
}
