//! A lost TLS secret, as its owner has decrypted it from a backup. Its bytes are in memory alone: no record, log or error has them.

use super::{Coordinator, CoordinatorError};
use crate::cluster::SecretCopy;
use podlift_engine::issues::Mend;
use podlift_engine::machine::Event;

impl Coordinator {
    /// Creates the secret; one that exists is never replaced. The journal has who did it, and the name.
    pub async fn restore_secret(&self, copy: SecretCopy, by: &str) -> Result<String, CoordinatorError> {
        self.may_command()?;
        let mend = Mend::RestoreSecret { namespace: copy.namespace().into(), name: copy.name().into() };
        let (object, issue) = (mend.object(), mend.issue());
        let began = self.clock.now();
        let open = self.store.open_run().map(|state| state.run.clone());
        self.store.append(open.as_ref(), Event::MendStarted { object: object.clone(), issue, mend })?;
        let done = self.performer.cluster.create_secret(&copy).await;
        let result = match &done {
            Ok(said) => Ok(format!("{said} by {by}")),
            Err(failure) => Err(failure.message.clone()),
        };
        let took = self.clock.now().duration_since(began).as_millis();
        let milliseconds = u64::try_from(took).unwrap_or(0);
        // The run may have ended meanwhile; the record is then one of the fleet.
        let open = open.filter(|run| self.store.run(run).is_some_and(|s| !s.is_over()));
        self.store.append(open.as_ref(), Event::MendEnded { object, issue, result, milliseconds })?;
        Ok(done?)
    }
}
