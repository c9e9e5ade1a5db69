//! Reports to systemd: ready, alive, stopping. Does nothing without NOTIFY_SOCKET.

use sd_notify::NotifyState;
use std::sync::Once;

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd was not told");
    }
}

/// Reports that one round of the heal is over. The first report says that the agent is ready.
pub(crate) fn beat() {
    static READY: Once = Once::new();
    READY.call_once(|| tell(NotifyState::Ready));
    tell(NotifyState::Watchdog);
}

/// Sets the line in `systemctl status`.
pub(crate) fn status(line: &str) {
    tell(NotifyState::Status(line));
}

pub(crate) fn stopping() {
    tell(NotifyState::Stopping);
}
