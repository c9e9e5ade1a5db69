//! Turns findings into the bytes of a repaired manifest. Pure except for `good`, which fetches a good copy. An edit that can't be made does
//! not prevent another one.

use crate::manifest::Manifest;
use crate::read::Look;
use crate::rules::{Finding, Fix};
use crate::splice::{Edit, SpliceError, splice};
use podlift_model::Digest;
use podlift_model::op::Component;

/// Result of the fixes of some findings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// The new content and the rules that it repairs; `None` if it repairs none.
    pub done: Option<(Vec<u8>, Vec<&'static str>)>,
    /// Rules whose edit can't be made, and why.
    pub failed: Vec<(&'static str, MendError)>,
}

/// The repaired content. `good` fetches a copy by its hash.
pub fn mend(
    component: Component,
    look: &Look,
    findings: &[&Finding],
    good: impl FnOnce(&Digest) -> Option<Vec<u8>>,
) -> Mended {
    let restore = findings.iter().find_map(|f| match &f.fix {
        Some(Fix::Restore(hash)) => Some((f.rule, hash)),
        _ => None,
    });
    let edits: Vec<(&'static str, &Edit)> =
        findings.iter().filter_map(|f| Some((f.rule, edit(f)?))).collect();
    match (restore, look.manifest()) {
        (Some((rule, hash)), _) => restored(component, rule, good(hash)),
        (None, Some(manifest)) => edited(look, manifest, &edits),
        (None, None) => Mended::default(),
    }
}

fn edit(finding: &Finding) -> Option<&Edit> {
    match &finding.fix {
        Some(Fix::Edit(edit)) => Some(edit),
        _ => None,
    }
}

fn restored(component: Component, rule: &'static str, copy: Option<Vec<u8>>) -> Mended {
    let is_manifest = |copy: &Vec<u8>| Manifest::parse(component, copy).is_ok();
    match copy.filter(is_manifest) {
        Some(bytes) => Mended { done: Some((bytes, vec![rule])), failed: Vec::new() },
        None => Mended { done: None, failed: vec![(rule, MendError::NoCopy)] },
    }
}

/// Makes all edits together. If that fails, makes each one that is possible.
fn edited(look: &Look, manifest: &Manifest, edits: &[(&'static str, &Edit)]) -> Mended {
    let all: Vec<Edit> = edits.iter().map(|(_, edit)| (*edit).clone()).collect();
    let changed = |bytes: Vec<u8>, rules: Vec<&'static str>| (bytes != look.bytes).then_some((bytes, rules));
    if let Ok(bytes) = splice(&look.bytes, manifest, &all) {
        return Mended { done: changed(bytes, edits.iter().map(|e| e.0).collect()), failed: Vec::new() };
    }
    let (mut bytes, mut now) = (look.bytes.clone(), manifest.clone());
    let (mut rules, mut failed) = (Vec::new(), Vec::new());
    for (rule, edit) in edits {
        match splice(&bytes, &now, std::slice::from_ref(*edit)).and_then(|next| reread(manifest, next)) {
            Ok(next) => {
                (bytes, now) = next;
                rules.push(*rule);
            }
            Err(error) => failed.push((*rule, error.into())),
        }
    }
    Mended { done: changed(bytes, rules), failed }
}

fn reread(manifest: &Manifest, bytes: Vec<u8>) -> Result<(Vec<u8>, Manifest), SpliceError> {
    let now = Manifest::parse(manifest.component, &bytes)?;
    Ok((bytes, now))
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MendError {
    #[error("the good copy is gone or damaged")]
    NoCopy,
    #[error(transparent)]
    Splice(#[from] SpliceError),
}
