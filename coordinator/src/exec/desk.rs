//! What the runner and the drivers of its steps share: the journal, the ports to agents and cluster, and the right to command.

use super::{ExecSettings, Fence, Performer};
use crate::store::{Store, StoreError};
use podlift_common::clock::Clock;
use podlift_engine::machine::{Event, RunState};
use podlift_model::RunId;
use std::sync::Arc;

pub struct Desk {
    pub store: Arc<Store>,
    pub performer: Performer,
    pub fence: Arc<Fence>,
    pub settings: ExecSettings,
    pub clock: Arc<dyn Clock>,
}

impl Desk {
    /// Appends the event that `decide` returns. True if it was written. If the journal cannot be written, this coordinator stops
    /// commanding.
    pub(super) fn write(&self, run: &RunId, decide: impl FnOnce(&RunState) -> Option<Event>) -> bool {
        match self.store.append_with(run, decide) {
            Ok(record) => record.is_some(),
            Err(StoreError::Illegal(error) | StoreError::Replay { source: error, .. }) => {
                tracing::warn!(%run, %error, "event refused");
                false
            }
            Err(StoreError::Journal(error)) => {
                self.fence.lose(error.to_string());
                false
            }
        }
    }
}
