//! Attestations: facts that no machine can know and that an operator states. They are requested once for a run, recorded with name and
//! time, and shown in plan and report.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The attestations to make before a run, and what each means.
pub const ATTESTATIONS: &[(&str, &str)] = &[
    ("application-backups", "the owners of the applications have backups of their own"),
    ("maintenance-window", "the maintenance window is agreed with the users"),
    ("rollback-reviewed", "the way back has been read and understood"),
];

/// The attestation that the differences which a run found at its end are intended. It is made within the run and never requested
/// beforehand.
pub const DIFFERENCES: &str = "differences-accepted";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attestation {
    /// One of `ATTESTATIONS`.
    pub id: String,
    /// Identity of the operator.
    pub by: String,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("attestation {name:?} is not known: expected one of {known}")]
pub struct UnknownAttestation {
    name: String,
    known: String,
}

/// Refuses a name that is no attestation of podlift.
pub fn known_attestation(name: &str) -> Result<(), UnknownAttestation> {
    let known = || ATTESTATIONS.iter().map(|(id, _)| *id).collect::<Vec<_>>().join(", ");
    match name == DIFFERENCES || ATTESTATIONS.iter().any(|(id, _)| *id == name) {
        true => Ok(()),
        false => Err(UnknownAttestation { name: name.into(), known: known() }),
    }
}

impl Attestation {
    /// Replaces an earlier attestation of the same name.
    pub(crate) fn put_into(self, said: &mut Vec<Attestation>) {
        said.retain(|a| a.id != self.id);
        said.push(self);
        said.sort_by(|a, b| a.id.cmp(&b.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_nobody_asks_for_is_refused() {
        assert_eq!(known_attestation("maintenance-window"), Ok(()));
        let text = known_attestation("all-good").unwrap_err().to_string();
        assert!(text.contains("\"all-good\"") && text.contains("rollback-reviewed"), "{text}");
    }
}
