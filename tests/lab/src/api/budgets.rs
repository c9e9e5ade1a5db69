//! PodDisruptionBudgets: which pods, how many healthy, how many wanted.

use super::selectors::Selector;
use crate::objects::{Key, seconds};
use crate::world::State;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub expected: i64,
    pub healthy: i64,
    pub wanted: i64,
    pub allowed: i64,
}

/// Why the disruption controller can't count the pods of a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncountable(pub String);

pub fn of_pod(s: &State, pod: &Value) -> Vec<(Key, Value)> {
    let all = s.api.of("policy", "poddisruptionbudgets");
    let mine = all.filter(|(_, b)| covers(b, pod));
    mine.map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn covers(budget: &Value, pod: &Value) -> bool {
    let here = budget["metadata"]["namespace"] == pod["metadata"]["namespace"];
    here && !budget["spec"]["selector"].is_null()
        && Selector::matches_labels(&budget["spec"]["selector"], pod)
}

pub fn ready(pod: &Value) -> bool {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    pod["metadata"]["deletionTimestamp"].is_null()
        && conditions.any(|c| c["type"] == "Ready" && c["status"] == "True")
}

pub fn count(s: &State, budget: &Value) -> Result<Count, Uncountable> {
    let here = s.api.pods_in(budget["metadata"]["namespace"].as_str().unwrap_or_default());
    let pods: Vec<&Value> = here.map(|(_, v)| v).filter(|v| covers(budget, v)).collect();
    let healthy = pods.iter().filter(|v| ready(v)).count() as i64;
    let by_scale = counts_by_scale(&budget["spec"]);
    if by_scale && let Some(why) = pods.iter().find_map(|pod| without_scale(pod)) {
        return Err(Uncountable(why));
    }
    // An eviction takes one of those that are expected, until the controllers have made another.
    let expected = if by_scale { replicas(s, &pods) } else { pods.len() as i64 };
    let wanted = match (&budget["spec"]["minAvailable"], &budget["spec"]["maxUnavailable"]) {
        (Value::Null, most) => expected - share(most, expected),
        (least, _) => share(least, expected),
    };
    Ok(Count { expected, healthy, wanted, allowed: (healthy - wanted).max(0) })
}

/// The number of pods comes from their controllers then, except with a `minAvailable` that is a number.
fn counts_by_scale(spec: &Value) -> bool {
    !spec["minAvailable"].is_i64()
}

/// Of the controllers of these pods; of one that is not in the API as many as it has pods.
fn replicas(s: &State, pods: &[&Value]) -> i64 {
    let mut by_owner: BTreeMap<(String, String), i64> = BTreeMap::new();
    for pod in pods {
        let owners = pod["metadata"]["ownerReferences"].as_array().into_iter().flatten();
        if let Some(owner) = owners.into_iter().find(|o| o["controller"] == true) {
            let text = |field: &str| owner[field].as_str().unwrap_or_default().to_string();
            let resource = format!("{}s", text("kind").to_lowercase());
            let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
            let known = s.api.get(&Key::new("apps", &resource, namespace, &text("name")));
            let known = known.filter(|v| v["metadata"]["uid"] == owner["uid"]);
            let count = by_owner.entry((resource, text("uid"))).or_default();
            *count = known.and_then(|v| v["spec"]["replicas"].as_i64()).unwrap_or(*count + 1);
        }
    }
    by_owner.values().sum()
}

/// `implementsScale` of pkg/controller/disruption: the pod's controller has no scale subresource.
fn without_scale(pod: &Value) -> Option<String> {
    let owners = pod["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let owner = owners.into_iter().find(|o| o["controller"] == true)?;
    let kind = owner["kind"].as_str().unwrap_or_default();
    if matches!(kind, "ReplicaSet" | "StatefulSet" | "Deployment" | "ReplicationController") {
        return None;
    }
    let group = owner["apiVersion"].as_str().and_then(|v| v.split_once('/')).map_or("", |(group, _)| group);
    let resource = format!("{}s", kind.to_lowercase());
    let qualified = if group.is_empty() { resource } else { format!("{resource}.{group}") };
    Some(format!("{qualified} does not implement the scale subresource"))
}

/// A number, or a percentage rounded up.
fn share(v: &Value, of: i64) -> i64 {
    let percent = v.as_str().and_then(|t| t.strip_suffix('%')?.parse::<i64>().ok());
    percent.map_or_else(|| v.as_i64().unwrap_or(0), |p| (of * p + 99) / 100)
}

/// Whether it or one of its pods has changed.
fn is_due(s: &State, budget: &Value) -> bool {
    s.api.index().is_changed(budget) || s.api.index().changed_pods().any(|(_, pod)| covers(budget, pod))
}

/// Writes the counts into the budgets' status, as the disruption controller does.
pub fn refresh(s: &mut State, now: jiff::Timestamp) {
    let all = s.api.of("policy", "poddisruptionbudgets").filter(|(_, budget)| is_due(s, budget));
    let all: Vec<(Key, Value)> = all.map(|(k, v)| (k.clone(), v.clone())).collect();
    for (key, budget) in all {
        let Ok(c) = count(s, &budget).map_err(|Uncountable(why)| failed(s, &key, &why, now)) else {
            continue;
        };
        let allowed = if c.allowed > 0 { "True" } else { "False" };
        let reason = if c.allowed > 0 { "SufficientPods" } else { "InsufficientPods" };
        let old = &budget["status"]["conditions"][0];
        let since = match old["status"] == allowed {
            true => old["lastTransitionTime"].clone(),
            false => json!(seconds(now)),
        };
        let generation = budget["metadata"]["generation"].clone();
        s.api.change(&key, |v| {
            v["status"] = json!({"observedGeneration": generation, "disruptionsAllowed": c.allowed,
                "currentHealthy": c.healthy, "desiredHealthy": c.wanted, "expectedPods": c.expected,
                "conditions": [{"type": "DisruptionAllowed", "status": allowed, "reason": reason, "message": "",
                    "observedGeneration": generation, "lastTransitionTime": since}]});
        });
    }
}

/// The counts stay as they are, and nothing is allowed.
fn failed(s: &mut State, key: &Key, why: &str, now: jiff::Timestamp) {
    s.api.change(key, |v| {
        let old = v["status"]["conditions"][0].clone();
        if old["reason"] == "SyncFailed" && old["message"] == why {
            return;
        }
        let mut status = v["status"].as_object().cloned().unwrap_or_default();
        for field in ["currentHealthy", "desiredHealthy", "expectedPods"] {
            status.entry(field).or_insert(json!(0));
        }
        status.insert("disruptionsAllowed".into(), json!(0));
        let generation = v["metadata"]["generation"].clone();
        status.insert("observedGeneration".into(), generation.clone());
        let condition = json!({"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed", "message": why,
            "observedGeneration": generation, "lastTransitionTime": seconds(now)});
        status.insert("conditions".into(), json!([condition]));
        v["status"] = json!(status);
    });
}
