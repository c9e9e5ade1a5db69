//! Findings that a person writes into the report of a run.

use super::{Coordinator, CoordinatorError};
use podlift_engine::machine::Event;
use podlift_model::RunId;

impl Coordinator {
    /// Also of a run that has ended; a later note replaces it. `None` is the newest run.
    pub(super) fn note(
        &self,
        run: Option<&RunId>,
        text: String,
        by: &str,
    ) -> Result<String, CoordinatorError> {
        let state = self.shown(run)?.ok_or(CoordinatorError::NoRunEver)?;
        self.store.append(Some(&state.run), Event::ReportNote { text, by: by.into() })?;
        Ok(format!("noted in the report of run {}: podlift report --run {}", state.run, state.run))
    }
}
