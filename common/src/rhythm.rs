//! When a recurring task is due. A timer that ends between two boundaries of tokio's wheel wakes its thread at each of them. A timer in
//! step with the runtime's own milliseconds wakes it once. This matters only for a process that is idle for days.
//!
//! Heal tick, heartbeat and watchdog of the agent fall on the same instants of one clock, so that an idle agent wakes once for all of them.

use std::time::Duration;
use tokio::time::Instant;

/// When the next round after `now` is due: in step with `origin`, the time when the runtime was built; if that is `None`, a pause after
/// `now`.
pub fn next(origin: Option<Instant>, now: Instant, pause: Duration) -> Instant {
    let Some(origin) = origin else { return now + pause };
    let step = step(pause);
    let since = u64::try_from(now.saturating_duration_since(origin).as_millis()).unwrap_or(u64::MAX / 2);
    // At least half a step from now, so that a late round is not followed by another at once.
    let due = (since + step / 2).div_ceil(step) * step;
    // The wheel rounds up, and the runtime is a little older than `origin`.
    origin + Duration::from_millis(due) - EARLY
}

const EARLY: Duration = Duration::from_micros(500);

/// Milliseconds: the largest power of two that is at most a tenth longer than the pause.
fn step(pause: Duration) -> u64 {
    let longest = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX / 2).saturating_mul(11) / 10;
    1 << longest.max(1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_powers_of_two_near_the_pause() {
        for (pause, want) in [(2000, 2048), (5000, 4096), (1000, 1024), (500, 512), (1, 1), (0, 1)] {
            assert_eq!(step(Duration::from_millis(pause)), want, "{pause}");
        }
    }

    #[test]
    fn rounds_are_in_step_with_the_origin_and_never_at_once() {
        let origin = Instant::now();
        let (pause, at) = (Duration::from_secs(2), |ms: u64| origin + Duration::from_millis(ms));
        for (now, due) in [(0, 2048), (1000, 2048), (1500, 4096), (2048, 4096), (2060, 4096), (9000, 10_240)]
        {
            let next = next(Some(origin), at(now), pause);
            assert_eq!(next + EARLY, at(due), "{now}");
            assert!(next > at(now) + Duration::from_millis(1000), "{now}");
        }
        assert_eq!(next(None, at(7), pause), at(2007));
    }
}
