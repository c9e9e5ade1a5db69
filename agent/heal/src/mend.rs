//! From findings to bytes: what a repaired manifest looks like. Pure but for the good copy that it is handed.

use super::manifest::Manifest;
use super::rules::{Finding, Fix, Seen};
use super::splice::{Edit, SpliceError, splice};

/// The repaired content, or why there is none. `bytes` is what was read (empty where the file is missing).
pub fn mend(
    bytes: &[u8],
    seen: &Seen,
    findings: &[Finding],
    good: Option<Vec<u8>>,
) -> Result<Vec<u8>, MendError> {
    let fixes: Vec<&Fix> = findings.iter().filter_map(|f| f.fix.as_ref()).collect();
    if fixes.iter().any(|f| matches!(f, Fix::Restore)) {
        return good.ok_or(MendError::NoCopy);
    }
    let Seen::Manifest(manifest) = seen else { return Err(MendError::NoCopy) };
    let edits: Vec<Edit> = fixes.into_iter().filter_map(edit).collect();
    Ok(splice(bytes, manifest, &edits)?)
}

fn edit(fix: &Fix) -> Option<Edit> {
    match fix {
        Fix::Edit(edit) => Some(edit.clone()),
        Fix::Restore => None,
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MendError {
    #[error("the good copy is gone or damaged")]
    NoCopy,
    #[error(transparent)]
    Splice(#[from] SpliceError),
}

/// Parses what was read.
pub fn see(component: podlift_model::op::Component, bytes: Option<&[u8]>) -> Seen {
    match bytes.map(|b| Manifest::parse(component, b)) {
        None => Seen::Missing,
        Some(Ok(manifest)) => Seen::Manifest(manifest),
        Some(Err(e)) => Seen::Unreadable(e.to_string()),
    }
}
