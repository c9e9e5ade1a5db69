//! podlift's mark on what it changes: run and epoch, in the same patch as the change. A higher epoch than ours means that another
//! coordinator commands. A kubelet may write annotations of its own node, so a number that no coordinator can have reached ends only the
//! step that meets it.

use crate::cluster::{FENCED, JUMP};
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
        Some(theirs) if theirs.number > ours.number.saturating_add(JUMP) => {
            Err(implausible(object, &theirs, ours))
        }
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

/// The code of a mark that no coordinator can have written.
const IMPLAUSIBLE: &str = "mark-implausible";

fn implausible(object: &Value, theirs: &Epoch, ours: &Epoch) -> Failure {
    let name = object["metadata"]["name"].as_str().unwrap_or("?");
    let what = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("-n {namespace} annotate configmap {name}"),
        None => format!("annotate node {name}"),
    };
    let text = format!(
        "{name} carries epoch {theirs} in podlift's mark, and ours is {ours}: no coordinator counts that far, so something else wrote it; look at its writer, then take the mark away: kubectl {what} {OWNER}- {EPOCH}-"
    );
    Failure::operator(IMPLAUSIBLE, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_model::InstanceId;
    use serde_json::json;

    #[test]
    fn a_mark_that_no_coordinator_can_have_reached_ends_only_its_step() {
        let epoch = |number| Epoch { number, instance: InstanceId::new("head-01").unwrap() };
        let marked = |number: u64| {
            let text = text(&RunId::new("r1").unwrap(), &epoch(number));
            json!({"metadata": {"name": "dgx030", "annotations": { OWNER: text }}})
        };
        let code = |number| check(&marked(number), &epoch(7)).unwrap_err().code;
        assert!(check(&marked(7), &epoch(7)).is_ok());
        assert_eq!(code(8), FENCED);
        for number in [7 + JUMP + 1, i64::MAX as u64, u64::MAX] {
            assert_eq!(code(number), IMPLAUSIBLE, "{number}");
        }
        let text = check(&marked(u64::MAX), &epoch(7)).unwrap_err().message;
        assert!(text.ends_with("kubectl annotate node dgx030 podlift.io/owner- podlift.io/epoch-"), "{text}");
    }
}
