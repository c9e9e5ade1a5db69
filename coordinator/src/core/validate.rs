//! `podlift validate`: looks at the cluster now, and keeps nothing.

use super::{Coordinator, CoordinatorError};
use crate::dispatch::Progress;
use crate::validate::ValidateAsk;
use podlift_engine::validate::{Validation, known};
use podlift_model::Failure;

impl Coordinator {
    /// `told` receives what is looked at.
    pub async fn validate(&self, ask: &ValidateAsk, told: &Progress) -> Result<Validation, CoordinatorError> {
        for id in &ask.only {
            known(id).map_err(|e| Failure::operator("unknown-check", e.to_string()))?;
        }
        Ok(self.validator.validate(ask, told).await)
    }
}
