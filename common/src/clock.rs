//! Wall clock and boot-time clock as a port, so that tests can control both. All other code gets the time from here.
#![allow(clippy::disallowed_methods)] // this is the edge

use jiff::Timestamp;
use std::time::Duration;

pub trait Clock: Send + Sync {
    /// Wall clock, for people and records. It may jump, so it is never used for budgets or order.
    fn now(&self) -> Timestamp;
    /// Time since boot, including suspend (CLOCK_BOOTTIME): for budgets and time limits.
    fn since_boot(&self) -> Duration;
}

#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
    fn since_boot(&self) -> Duration {
        let t = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME);
        t.map(Duration::from).unwrap_or_default()
    }
}

/// Follows tokio's clock, so that a paused clock pauses this one too. It serves tests and the lab's in-process world.
#[derive(Debug, Clone)]
pub struct TokioClock {
    start: tokio::time::Instant,
    epoch: Timestamp,
}

impl TokioClock {
    /// `epoch` is the time that the clock shows at the start.
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self { start: tokio::time::Instant::now(), epoch }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.epoch + self.start.elapsed()
    }
    fn since_boot(&self) -> Duration {
        self.start.elapsed()
    }
}
