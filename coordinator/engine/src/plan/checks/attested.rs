//! What a person has to say before the run, and has not.

use super::{Finding, View};
use crate::plan::ATTESTATIONS;
use crate::plan::{Severity, finding::finding};

pub fn check(view: &View) -> Vec<Finding> {
    let said = |id: &str| view.input.attestations.iter().any(|a| a.id == id);
    let missing = ATTESTATIONS.iter().filter(|(id, _)| !said(id));
    missing
        .map(|(id, meaning)| {
            let evidence = format!("nobody has attested {id}: {meaning}");
            finding("attestations", Severity::Warning, None, evidence, &format!("podlift attest {id}"))
        })
        .collect()
}
