//! What systemd is told of this process: ready, alive, stopping. Does nothing where nobody asked (no NOTIFY_SOCKET).

use sd_notify::NotifyState;

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd was not told");
    }
}

pub(crate) fn ready() {
    tell(NotifyState::Ready);
}

pub(crate) fn alive() {
    tell(NotifyState::Watchdog);
}

pub(crate) fn stopping() {
    tell(NotifyState::Stopping);
}
