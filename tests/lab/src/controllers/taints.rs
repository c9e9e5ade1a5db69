//! Taints and who bears them: a cordon becomes a taint, as the node lifecycle controller makes it.

use crate::objects::fields::{self, Writer};
use crate::objects::{Key, seconds};
use crate::world::State;
use serde_json::{Value, json};

const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Nodes whose taint does not say what their `spec.unschedulable` says.
pub fn follow_cordons(s: &mut State, now: jiff::Timestamp) {
    let tainted =
        |v: &Value| v["spec"]["taints"].as_array().into_iter().flatten().any(|t| t["key"] == UNSCHEDULABLE);
    let wrong = |v: &Value| (v["spec"]["unschedulable"] == true) != tainted(v);
    let keys: Vec<Key> = s.api.of("", "nodes").filter(|(_, v)| wrong(v)).map(|(k, _)| k.clone()).collect();
    for key in keys {
        s.api.change(&key, |v| {
            let before = v.clone();
            let mut all = v["spec"]["taints"].as_array().cloned().unwrap_or_default();
            all.retain(|t| t["key"] != UNSCHEDULABLE);
            if v["spec"]["unschedulable"] == true {
                all.push(json!({"key": UNSCHEDULABLE, "effect": "NoSchedule", "timeAdded": seconds(now)}));
            }
            v["spec"]["taints"] = json!(all);
            if all.is_empty() {
                v["spec"].as_object_mut().map(|o| o.remove("taints"));
            }
            fields::updated(&before, v, &Writer::update("kube-controller-manager", None), now);
        });
    }
}

/// Whether a pod may be put there: its node selector holds and it bears each taint that keeps pods away.
pub fn fits(pod: &Value, node: &Value) -> bool {
    selects(pod, node) && bearable(pod, node)
}

/// Whether it bears each taint that keeps pods away.
pub fn bearable(pod: &Value, node: &Value) -> bool {
    let keeps = |t: &&Value| t["effect"] != "PreferNoSchedule";
    let mut taints = node["spec"]["taints"].as_array().into_iter().flatten().filter(keeps);
    taints.all(|t| bears(pod, t))
}

/// Whether it has other tolerations than those of a node that is lost for a while.
pub fn bears_more_than_admission_adds(pod: &Value) -> bool {
    let added = |t: &Value| t["effect"] == "NoExecute" && t["tolerationSeconds"].is_i64();
    !pod["tolerations"].as_array().into_iter().flatten().all(added)
}

/// Whether the node has a soft taint that the pod does not bear.
pub fn rather_not(pod: &Value, node: &Value) -> bool {
    let taints = node["spec"]["taints"].as_array().into_iter().flatten();
    taints.into_iter().any(|t| t["effect"] == "PreferNoSchedule" && !bears(pod, t))
}

/// The scheduler's NodeUnschedulable: a cordon keeps away what does not bear its taint.
pub fn schedulable(pod: &Value, node: &Value) -> bool {
    node["spec"]["unschedulable"] != true
        || bears(pod, &json!({"key": UNSCHEDULABLE, "effect": "NoSchedule"}))
}

pub fn selects(pod: &Value, node: &Value) -> bool {
    let mut wanted = pod["nodeSelector"].as_object().into_iter().flatten();
    wanted.all(|(k, v)| node["metadata"]["labels"][k] == *v)
}

fn bears(pod: &Value, taint: &Value) -> bool {
    let same = |t: &Value, field: &str| t[field].is_null() || t[field] == "" || t[field] == taint[field];
    let text = |v: &Value| v.as_str().unwrap_or_default().to_string();
    pod["tolerations"].as_array().into_iter().flatten().any(|t| {
        let value =
            t["operator"] == "Exists" || (!t["key"].is_null() && text(&t["value"]) == text(&taint["value"]));
        same(t, "effect") && same(t, "key") && value
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearing() {
        let node = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]}});
        for (pod, want) in [
            (json!({}), false),
            (json!({"tolerations": [{"operator": "Exists"}]}), true),
            (json!({"tolerations": [{"key": "k", "value": "v"}], "nodeSelector": {"a": "1"}}), true),
            (json!({"tolerations": [{"key": "k", "value": "x"}]}), false),
            (json!({"tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute"}]}), false),
            (json!({"tolerations": [{"operator": "Exists"}], "nodeSelector": {"a": "2"}}), false),
        ] {
            assert_eq!(fits(&pod, &node), want, "{pod}");
        }
    }
}
