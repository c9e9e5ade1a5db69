//! The record of how a node was before a run changed it: annotation `podlift.io/before`. It is written in the patch of the run's first
//! change, is not written again by the same run, and goes in the patch that takes the run's last mark from the node. The journal says the
//! same; the annotation says it where the node is, to a person without the journal as well.

use super::survey::CORDON_TAINT;
use super::{foreign, owner, soft_taint};
use podlift_model::RunId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) const BEFORE: &str = "podlift.io/before";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    pub run: RunId,
    /// Another person or program had cordoned the node. Not so for a cordon that an ended run of podlift has left.
    #[serde(default)]
    pub unschedulable: bool,
    /// The taints of others, with all their fields. A cordon's taint is not among them, because `unschedulable` says the same.
    #[serde(default)]
    pub taints: Vec<Value>,
    /// Packages of Kubernetes that apt held back.
    #[serde(default)]
    pub held: Vec<String>,
}

/// The record on a node; `None` if there is none, or one that can't be read.
pub(super) fn of(object: &Value) -> Option<Before> {
    serde_json::from_str(object["metadata"]["annotations"].get(BEFORE)?.as_str()?).ok()
}

/// The record of this run.
fn of_run(object: &Value, run: &RunId) -> Option<Before> {
    of(object).filter(|before| before.run == *run)
}

/// Whether this run's record says that others had cordoned the node.
pub(super) fn was_cordoned(object: &Value, run: &RunId) -> bool {
    of_run(object, run).is_some_and(|before| before.unschedulable)
}

/// Adds the record to the patch of a change, unless this run has made it before. A record of another run is replaced.
pub(super) fn record(object: &Value, run: &RunId, held: &[String], patch: &mut Value) {
    if of_run(object, run).is_none() {
        write(
            &Before {
                run: run.clone(),
                unschedulable: foreign_cordon(object),
                taints: taints(object),
                held: held.to_vec(),
            },
            patch,
        );
    }
}

/// The same for a cordon of a node that is schedulable now. Where this run recorded a cordon of others when it set its soft taint, those have
/// given the node back since, and the end of the run must do the same.
pub(super) fn record_cordon(object: &Value, run: &RunId, held: &[String], patch: &mut Value) {
    match of_run(object, run) {
        Some(before) if before.unschedulable => write(&Before { unschedulable: false, ..before }, patch),
        _ => record(object, run, held, patch),
    }
}

/// Removes this run's record in the patch that removes its mark. `also` says whether another mark of the run stays.
pub(super) fn forget(object: &Value, run: &RunId, also: bool, patch: &mut Value) {
    if !also && of_run(object, run).is_some() {
        patch["metadata"]["annotations"][BEFORE] = Value::Null;
    }
}

fn write(before: &Before, patch: &mut Value) {
    patch["metadata"]["annotations"][BEFORE] = json!(serde_json::to_string(before).unwrap_or_default());
}

/// A cordon of others now, or before an ended run whose cordon is still there.
fn foreign_cordon(object: &Value) -> bool {
    let cordoned = object["spec"]["unschedulable"].as_bool().unwrap_or(false);
    let by_other = foreign::cordoned_by(object).is_some_and(|by| by != foreign::OURS);
    match owner::of(object) {
        Some(left_by) if !by_other => cordoned && was_cordoned(object, &left_by.run),
        _ => cordoned,
    }
}

fn taints(object: &Value) -> Vec<Value> {
    let all = object["spec"]["taints"].as_array().into_iter().flatten();
    all.filter(|taint| !soft_taint::is_ours(taint) && taint["key"] != CORDON_TAINT).cloned().collect()
}

#[cfg(test)]
#[path = "before_tests.rs"]
mod tests;
