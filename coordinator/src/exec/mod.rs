//! Carries out what the engine decided: looks, asks for a verdict, records the intent, acts once, records the end, looks again. It decides
//! nothing itself and knows no step by name.

mod act;
#[cfg(test)]
mod batch_tests;
mod choose;
mod desk;
mod drive;
mod entries;
mod fence;
#[cfg(test)]
mod head_tests;
#[cfg(test)]
mod leave_tests;
mod marks;
mod owners;
mod perform;
mod planes;
pub(crate) mod planner;
mod probes;
mod reasons;
mod recover;
mod remains;
mod route;
mod runner;
mod spans;
#[cfg(test)]
mod stop_tests;
#[cfg(test)]
mod tests;
mod tries;
mod turn;
mod undo;
mod wait;

pub use desk::Desk;
pub use fence::{Fence, FenceState};
pub(crate) use owners::{Owners, is_over};
pub use perform::{Lines, Performer};
pub use planner::{Count, Counts, Planner};
pub use probes::Probes;
pub(crate) use probes::endpoints;
pub use route::HeadLooks;
pub use runner::Runner;
pub use undo::Undone;
pub(crate) use undo::{NotWhole, whole_now};

use std::time::Duration;

/// How the executor waits. Time limits are part of the plan instead.
#[derive(Debug, Clone)]
pub struct ExecSettings {
    /// Time between two looks.
    pub poll: Duration,
    /// Time between two probes of each API server while a run is open.
    pub probe_interval: Duration,
    /// Time between two reads at each API server while a run changes the control plane.
    pub read_interval: Duration,
}

impl Default for ExecSettings {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            probe_interval: Duration::from_secs(1),
            read_interval: Duration::from_millis(50),
        }
    }
}
