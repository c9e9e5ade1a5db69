//! From findings to bytes: what a repaired manifest looks like. Pure but for the good copy that it is handed.

use crate::manifest::Manifest;
use crate::read::Look;
use crate::rules::{Finding, Fix, Seen};
use crate::splice::{Edit, SpliceError, splice};
use podlift_model::Digest;
use podlift_model::op::Component;

/// The repaired content, or why there is none. `good` fetches a copy by its hash.
pub fn mend(
    component: Component,
    look: &Look,
    findings: &[Finding],
    good: impl FnOnce(&Digest) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, MendError> {
    let mut edits: Vec<Edit> = Vec::new();
    for fix in findings.iter().filter_map(|f| f.fix.as_ref()) {
        match fix {
            Fix::Restore(hash) => {
                let is_manifest = |copy: &Vec<u8>| Manifest::parse(component, copy).is_ok();
                return good(hash).filter(is_manifest).ok_or(MendError::NoCopy);
            }
            Fix::Edit(edit) => edits.push(edit.clone()),
            Fix::Secure { .. } => {}
        }
    }
    let Seen::Manifest(manifest) = &look.seen else { return Err(MendError::NoCopy) };
    Ok(splice(&look.bytes, manifest, &edits)?)
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MendError {
    #[error("the good copy is gone or damaged")]
    NoCopy,
    #[error(transparent)]
    Splice(#[from] SpliceError),
}
