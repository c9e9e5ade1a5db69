//! One turn of a step: the state that it is based on, and what follows it.

use podlift_engine::machine::{RunState, RunStatus};
use podlift_engine::steps::Policy;
use podlift_model::{Epoch, OpId};
use std::sync::Arc;
use std::time::Duration;

/// What follows a turn.
pub(super) enum Turn {
    Now,
    After(Duration),
    Over,
}

/// What is known of the step's op before the step is judged.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Open {
    /// No op was started since the step became pending.
    None,
    /// The op is recorded as started but never started. It may be sent under the same id.
    Unsent(OpId),
    Ended,
    /// The end is indeterminate; the reason.
    Unknown(String),
}

/// The state that a turn is based on.
pub(super) struct Basis {
    pub state: Arc<RunState>,
    pub epoch: Epoch,
    /// Number of lanes of the phase that began before this one and are not over.
    pub ahead: u32,
    pub open: Open,
    pub policy: Policy,
}

impl Basis {
    pub fn aborting(&self) -> bool {
        aborting(&self.state)
    }
}

pub(super) fn aborting(state: &RunState) -> bool {
    matches!(state.status, RunStatus::Aborting { .. })
}
