//! Attestations that are missing before the run. The site's rule decides which of them are required.

use super::View;
use crate::program::{ATTESTATIONS, Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let said = |id: &str| view.input.attestations.iter().any(|a| a.id == id);
    let required = |id: &str| view.input.options.required_attestations.iter().any(|r| r == id);
    let missing = ATTESTATIONS.iter().filter(|(id, _)| !said(id));
    missing
        .map(|(id, meaning)| {
            let severity = if required(id) { Severity::Blocker } else { Severity::Warning };
            let evidence = format!("nobody has attested {id}: {meaning}");
            let asked = finding("attestations", severity, None, evidence, &format!("podlift attest {id}"));
            Finding { site_rule: required(id), ..asked }
        })
        .collect()
}
