//! The soft taint of nodes that are still to come: kube-scheduler prefers finished nodes for displaced work, and uses the others if nothing
//! else fits. The taint's value is the run that owns it. A merge patch replaces the whole list of taints, so it names the resourceVersion of
//! the list that it repeats, and every other taint is repeated byte for byte.

use super::api::Api;
use super::node_patch::{Decision, change};
use super::nodes::NODE_GONE;
use super::{before, owner};
use podlift_model::{Epoch, Failure, NodeName, RunId};
use serde_json::{Value, json};

const KEY: &str = "podlift.io/to-come";
const EFFECT: &str = "PreferNoSchedule";

/// A taint is identified by key and effect.
pub(super) fn is_ours(taint: &Value) -> bool {
    taint["key"] == KEY && taint["effect"] == EFFECT
}

fn taints(object: &Value) -> impl Iterator<Item = &Value> {
    object["spec"]["taints"].as_array().into_iter().flatten()
}

/// The run whose soft taint the node has; `None` if it has none, or one with a value that is no run.
pub(super) fn of(object: &Value) -> Option<RunId> {
    let value = taints(object).find(|taint| is_ours(taint))?["value"].as_str()?;
    RunId::new(value).ok()
}

/// Sets the taint. A taint that an earlier run has left is replaced, because only one run is open. `held` names the packages that are held
/// on the node, for its record.
pub(super) async fn set(
    api: &Api,
    node: &NodeName,
    run: &RunId,
    held: &[String],
    epoch: &Epoch,
) -> Result<String, Failure> {
    change(api, node, epoch, |object| {
        if of(object).as_ref() == Some(run) {
            return Ok(Decision::Leave(format!("{node} has the soft taint of this run already")));
        }
        let line = match of(object) {
            Some(earlier) => format!("soft taint on {node}, in the place of the one that run {earlier} left"),
            None => format!("soft taint on {node}"),
        };
        let own = json!({"key": KEY, "value": run, "effect": EFFECT});
        let mut patch = with(object, Some(own));
        before::record(object, run, held, &mut patch);
        Ok(Decision::Patch(patch, line))
    })
    .await
}

/// Removes the taint if this run owns it. A node that is gone needs nothing.
pub(super) async fn remove(
    api: &Api,
    node: &NodeName,
    run: &RunId,
    epoch: &Epoch,
) -> Result<String, Failure> {
    let removed = change(api, node, epoch, |object| {
        Ok(match of(object) {
            Some(owner) if owner == *run => {
                let cordoned = owner::of(object).is_some_and(|mark| mark.run == *run);
                let mut patch = with(object, None);
                before::forget(object, run, cordoned, &mut patch);
                Decision::Patch(patch, format!("soft taint removed from {node}"))
            }
            Some(owner) => Decision::Leave(format!("the soft taint on {node} is of run {owner}, and stays")),
            None => Decision::Leave(format!("{node} has no soft taint")),
        })
    })
    .await;
    match removed {
        Err(failure) if failure.code == NODE_GONE => Ok(format!("{node} is not in the cluster any more")),
        other => other,
    }
}

/// A patch of the list of taints: all others as they are, and ours. An empty list is removed, as the API writes it.
fn with(object: &Value, own: Option<Value>) -> Value {
    let all: Vec<Value> = taints(object).filter(|taint| !is_ours(taint)).cloned().chain(own).collect();
    let list = if all.is_empty() { Value::Null } else { Value::Array(all) };
    json!({"metadata": {}, "spec": {"taints": list}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(taints: Value) -> Value {
        json!({"metadata": {"name": "dgx030"}, "spec": {"taints": taints}})
    }

    #[test]
    fn only_our_taint_of_our_effect_has_an_owner() {
        let ours = json!({"key": KEY, "value": "r1", "effect": EFFECT});
        let table = [
            (json!(null), None),
            (json!([ours]), Some("r1")),
            (json!([{"key": "gpu", "value": "r1", "effect": EFFECT}, ours]), Some("r1")),
            (json!([{"key": KEY, "value": "r1", "effect": "NoSchedule"}]), None),
            (json!([{"key": KEY, "effect": EFFECT}]), None),
            (json!([{"key": KEY, "value": "not a run", "effect": EFFECT}]), None),
        ];
        for (taints, owner) in table {
            assert_eq!(of(&node(taints.clone())).as_ref().map(RunId::as_str), owner, "{taints}");
        }
    }

    #[test]
    fn a_patch_repeats_every_other_taint_with_all_its_fields() {
        let other =
            json!({"key": "nvidia.com/gpu", "effect": "NoSchedule", "timeAdded": "2026-01-01T00:00:00Z"});
        let same_key = json!({"key": KEY, "value": "x", "effect": "NoExecute"});
        let ours = |run: &str| json!({"key": KEY, "value": run, "effect": EFFECT});
        let before = node(json!([other, ours("old"), same_key]));
        assert_eq!(with(&before, None)["spec"]["taints"], json!([other, same_key]));
        assert_eq!(with(&before, Some(ours("new")))["spec"]["taints"], json!([other, same_key, ours("new")]));
        assert_eq!(with(&node(json!([ours("old")])), None)["spec"]["taints"], Value::Null);
    }
}
