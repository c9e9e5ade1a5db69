//! Attestations of facts that no machine can check.

use super::{Coordinator, CoordinatorError};
use podlift_engine::machine::Event;
use podlift_engine::program::{ATTESTATIONS, DIFFERENCES, known_attestation};
use podlift_model::RunId;

impl Coordinator {
    /// Records the attestation with its author and time. It belongs to the open run, or to the next one if none is open.
    pub(super) fn attest(&self, name: String, note: String, by: &str) -> Result<String, CoordinatorError> {
        let refused = |why: String| CoordinatorError::Attestation { name: name.clone(), why };
        known_attestation(&name).map_err(|e| refused(e.to_string()))?;
        let open = self.store.open_run().map(|state| state.run.clone());
        if name == DIFFERENCES && open.is_none() {
            return Err(refused(
                "it confirms the differences that a run has found, and no run is open".into(),
            ));
        }
        self.store.append(open.as_ref(), Event::Attested { name: name.clone(), by: by.into(), note })?;
        Ok(format!("{name} attested by {by}{}", self.unsaid(open.as_ref())))
    }

    /// The attestations that are still missing before a run. Within a run none is required.
    fn unsaid(&self, open: Option<&RunId>) -> String {
        let said = self.store.attestations();
        let names = ATTESTATIONS.iter().map(|(name, _)| *name);
        let left: Vec<&str> = names.filter(|name| !said.iter().any(|a| a.id == *name)).collect();
        match open.is_some() || left.is_empty() {
            true => String::new(),
            false => format!("; still open: {}", left.join(", ")),
        }
    }
}
