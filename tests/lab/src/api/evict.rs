//! Evictions (`pkg/registry/core/pod/storage/eviction.go`): more than one budget is 500, none allowed is 429, finished and pending pods
//! pass. What is evicted ends after its grace period.

use super::budgets::{self, Uncountable};
use super::route::{Call, Target};
use super::{Reply, status};
use crate::objects::{Key, seconds};
use crate::world::{State, What, World};
use serde_json::{Value, json};
use std::sync::Arc;

pub fn evict(world: &Arc<World>, target: &Target, call: &Call) -> Reply {
    let now = world.clock.now();
    let mut s = world.lock();
    let Some(pod) = s.api.get(&target.key()).cloned() else { return status::not_found(target) };
    if let Some(refused) = refused(&s, &pod) {
        return refused;
    }
    // The storage checks this behind the budgets: who waits on a budget does not learn that the pod is another one.
    let options = &call.json()["deleteOptions"];
    let found = pod["metadata"]["uid"].as_str().unwrap_or_default();
    if let Some(uid) = options["preconditions"]["uid"].as_str().filter(|uid| *uid != found) {
        return status::uid_mismatch(target, uid, found);
    }
    let done = status::reply_json(
        201,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
    );
    if call.dry_run() {
        return done;
    }
    let again = !pod["metadata"]["deletionTimestamp"].is_null();
    if !again {
        s.api.change(&target.key(), |v| {
            let mut conditions = v["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.insert(0, json!({"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
                "message": "Eviction API: evicting", "lastProbeTime": null, "lastTransitionTime": seconds(now)}));
            v["status"]["conditions"] = json!(conditions);
        });
        terminate(&mut s, &target.key(), options["gracePeriodSeconds"].as_i64(), now);
    }
    drop(s);
    if !again {
        let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
        world.record(node, What::Eviction { pod: format!("{}/{}", target.namespace, target.name) }, None);
    }
    done
}

fn refused(s: &State, pod: &Value) -> Option<Reply> {
    let free = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed" | "Pending"));
    if free || !pod["metadata"]["deletionTimestamp"].is_null() {
        return None;
    }
    let mine: Vec<(Key, Value)> = budgets::of_pod(s, pod);
    if mine.len() > 1 {
        let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
        return Some(status::failure(500, "", message, Value::Null));
    }
    let (key, budget) = mine.first()?;
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    let refuse = |why: String| {
        let details = json!({"causes": [{"reason": "DisruptionBudget", "message": why}]});
        Some(status::failure(429, "TooManyRequests", message, details))
    };
    let now = match budgets::count(s, budget) {
        Ok(now) => now,
        Err(Uncountable(why)) => {
            return refuse(format!(
                "The disruption budget {} does not allow evicting pods currently because it failed sync: {why}",
                key.name
            ));
        }
    };
    if now.allowed > 0 || (!budgets::ready(pod) && now.healthy >= now.wanted) {
        return None;
    }
    refuse(format!(
        "The disruption budget {} needs {} healthy pods and has {} currently",
        key.name, now.wanted, now.healthy
    ))
}

/// Sets the deletion time; the kubelet does the rest. What no kubelet runs, or what has ended, goes at once, as with no grace at all;
/// what has finalizers stays without grace until they are gone.
pub fn terminate(s: &mut State, key: &Key, grace: Option<i64>, now: jiff::Timestamp) -> Option<Value> {
    let pod = s.api.get(key)?;
    let placed = pod["spec"]["nodeName"].as_str().is_some_and(|n| !n.is_empty());
    let over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    let now_or_never = !placed || over || grace == Some(0);
    let kept = pod["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty());
    if now_or_never && !kept {
        return s.api.delete(key);
    }
    let grace = if now_or_never { Some(0) } else { grace };
    s.api.change(key, |v| {
        if !v["metadata"]["deletionTimestamp"].is_null() {
            return;
        }
        let grace = grace.or(v["spec"]["terminationGracePeriodSeconds"].as_i64()).unwrap_or(30);
        let until = now + jiff::SignedDuration::from_secs(grace);
        v["metadata"]["deletionTimestamp"] = json!(seconds(until));
        v["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
    })
}
