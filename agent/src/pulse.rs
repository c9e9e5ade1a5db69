//! What systemd is told of this process: ready, alive, stopping. Does nothing where nobody asked (no NOTIFY_SOCKET).

use sd_notify::NotifyState;
use std::sync::Once;

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd was not told");
    }
}

/// One round of the heal is over: it watches. The first one says that the agent is ready.
pub(crate) fn beat() {
    static READY: Once = Once::new();
    READY.call_once(|| tell(NotifyState::Ready));
    tell(NotifyState::Watchdog);
}

/// A line for `systemctl status`.
pub(crate) fn status(line: &str) {
    tell(NotifyState::Status(line));
}

pub(crate) fn stopping() {
    tell(NotifyState::Stopping);
}
