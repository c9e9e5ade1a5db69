//! What blocks a drain: the remaining pods, and the budgets that protect them.

use super::super::api::Api;
use super::filter::Pod;
use podlift_model::{Failure, NodeName, codes};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The refusal that pauses the run. If the budgets cannot be read, it names the pods alone.
pub(super) async fn blocked(api: &Api, node: &NodeName, pods: &[(&Pod, &str)], limit: Duration) -> Failure {
    let namespaces: BTreeSet<&str> = pods.iter().map(|(p, _)| p.namespace.as_str()).collect();
    let mut budgets = Vec::new();
    for namespace in namespaces {
        let path = format!("/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets");
        budgets.extend(api.list(&path, &[]).await.unwrap_or_default());
    }
    let shown: Vec<String> = pods.iter().map(|(pod, why)| describe(pod, why, &budgets)).collect();
    let text = format!(
        "{} pods are still on {node} after {} s: {}. The node stays cordoned by this run",
        pods.len(),
        limit.as_secs(),
        shown.join("; ")
    );
    Failure::operator(codes::DRAIN_BLOCKED, text)
}

fn describe(pod: &Pod, why: &str, budgets: &[Value]) -> String {
    let mine: Vec<String> = budgets.iter().filter(|b| protects(b, pod)).map(budget).collect();
    match mine.is_empty() {
        true => format!("{} ({why})", pod.name()),
        false => format!("{} ({})", pod.name(), mine.join(", ")),
    }
}

fn budget(b: &Value) -> String {
    let name = b["metadata"]["name"].as_str().unwrap_or("?");
    let status = &b["status"];
    let number = |key: &str| status[key].as_i64().unwrap_or(0);
    format!(
        "budget {name}: {} disruptions allowed, {} of {} pods healthy, {} wanted",
        number("disruptionsAllowed"),
        number("currentHealthy"),
        number("expectedPods"),
        number("desiredHealthy")
    )
}

fn protects(budget: &Value, pod: &Pod) -> bool {
    let selector = &budget["spec"]["selector"];
    budget["metadata"]["namespace"] == pod.namespace.as_str()
        && selector.is_object()
        && matches(selector, &pod.labels)
}

/// Matches both halves of a label selector; an empty one selects all.
fn matches(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let has = |key: &str, value: &Value| labels.get(key).is_some_and(|l| value == l.as_str());
    let all_labels = selector["matchLabels"].as_object().into_iter().flatten().all(|(k, v)| has(k, v));
    let expressions = selector["matchExpressions"].as_array();
    all_labels && expressions.into_iter().flatten().all(|e| holds(e, labels))
}

fn holds(expression: &Value, labels: &BTreeMap<String, String>) -> bool {
    let value = expression["key"].as_str().and_then(|key| labels.get(key));
    let listed =
        |v: &String| expression["values"].as_array().is_some_and(|all| all.iter().any(|x| x == v.as_str()));
    match expression["operator"].as_str() {
        Some("In") => value.is_some_and(listed),
        Some("NotIn") => !value.is_some_and(listed),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => false,
    }
}
