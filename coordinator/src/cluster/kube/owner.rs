//! podlift's mark on what it changes: run and epoch, in the same patch as the change. A higher epoch than ours means that another
//! coordinator commands.

use crate::cluster::FENCED;
use podlift_engine::doors::Owner;
use podlift_model::{Epoch, Failure, RunId};
use serde_json::Value;

pub(super) const OWNER: &str = "podlift.io/owner";
pub(super) const EPOCH: &str = "podlift.io/epoch";

pub(super) fn of(object: &Value) -> Option<Owner> {
    let text = object["metadata"]["annotations"].get(OWNER)?.as_str()?;
    let owner: Owner = serde_json::from_str(text).ok()?;
    // Only the journal knows whether a run has ended.
    Some(Owner { over: false, ..owner })
}

pub(super) fn text(run: &RunId, epoch: &Epoch) -> String {
    let owner = Owner { run: run.clone(), epoch: epoch.clone(), over: false };
    serde_json::to_string(&owner).unwrap_or_default()
}

/// The epoch of the coordinator that wrote an object last, from either mark.
fn epoch_of(object: &Value) -> Option<Epoch> {
    let annotation = object["metadata"]["annotations"].get(EPOCH).and_then(Value::as_str);
    let epoch = annotation.and_then(|text| serde_json::from_str(text).ok());
    epoch.or_else(|| of(object).map(|o| o.epoch))
}

/// Refuses if a coordinator with a higher number, or another holder of the same number, wrote the object.
pub(super) fn check(object: &Value, ours: &Epoch) -> Result<(), Failure> {
    match epoch_of(object) {
        Some(theirs) if !ours.may_follow(Some(&theirs)) => {
            let name = object["metadata"]["name"].as_str().unwrap_or("?");
            let text = format!(
                "{name} was written by a coordinator of epoch {theirs}, ours is {ours}: another coordinator commands this cluster; `podlift takeover` if it is gone for good"
            );
            Err(Failure::operator(FENCED, text))
        }
        _ => Ok(()),
    }
}
