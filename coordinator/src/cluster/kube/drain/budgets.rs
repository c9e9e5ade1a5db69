//! What blocks a drain: the remaining pods, and the budgets that protect them.

use super::super::api::Api;
use super::super::pod::Pod;
use super::board::Held;
use podlift_model::{Failure, NodeName, codes};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::sleep;

/// Tries to read the budgets of a namespace, and the pause between two.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// The refusal that pauses the run. It names the budgets of now and not those of the plan, because operators replace them during a drain.
/// If they can't be read, it names the pods alone.
pub(super) async fn blocked(api: &Api, node: &NodeName, pods: &[(&Pod, Held)], limit: Duration) -> Failure {
    let refused = pods.iter().filter(|(_, held)| held.why.is_refused());
    let namespaces: BTreeSet<&str> = refused.map(|(pod, _)| &*pod.namespace).collect();
    let mut budgets = Vec::new();
    for namespace in namespaces {
        budgets.extend(read(api, namespace).await);
    }
    let shown: Vec<String> = pods.iter().map(|(pod, held)| describe(pod, held, &budgets)).collect();
    let text = format!(
        "{} still on {node} after {} s: {}. The node stays cordoned",
        podlift_model::count(pods.len(), "pod"),
        limit.as_secs(),
        shown.join("; ")
    );
    Failure::operator(codes::DRAIN_BLOCKED, text)
}

async fn read(api: &Api, namespace: &str) -> Vec<Value> {
    let path = format!("/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets");
    for _ in 0..TRIES {
        if let Ok(budgets) = api.list(&path, &[]).await {
            return budgets;
        }
        sleep(PAUSE).await;
    }
    Vec::new()
}

fn describe(pod: &Pod, held: &Held, budgets: &[Value]) -> String {
    let budgets = budgets.iter().filter(|b| held.why.is_refused() && protects(b, pod) && blocks(b));
    let mine: Vec<String> = budgets.map(budget).collect();
    let why = if mine.is_empty() { held.why.text() } else { mine.join(", ") };
    format!("{} ({why}; for {} s)", pod.name(), held.seconds())
}

/// Whether the budget allows no eviction now. Another reason than the budgets holds a pod whose budgets allow one.
fn blocks(budget: &Value) -> bool {
    budget["status"]["disruptionsAllowed"].as_i64().unwrap_or(0) <= 0
}

fn budget(b: &Value) -> String {
    let name = b["metadata"]["name"].as_str().unwrap_or("?");
    let status = &b["status"];
    let number = |key: &str| status[key].as_i64().unwrap_or(0);
    if let Some(why) = cannot_count(status) {
        return format!(
            "budget {name}: it can never allow anything, its controller can't count (SyncFailed: {why})"
        );
    }
    format!(
        "budget {name}: {} allowed, {} of {} healthy, {} wanted",
        podlift_model::count(number("disruptionsAllowed"), "disruption"),
        number("currentHealthy"),
        podlift_model::count(number("expectedPods"), "pod"),
        number("desiredHealthy")
    )
}

/// The message of the disruption controller that can't find out how many pods the budget's owners want.
fn cannot_count(status: &Value) -> Option<&str> {
    let conditions = status["conditions"].as_array()?;
    let failed =
        |c: &&Value| c["type"] == "DisruptionAllowed" && c["reason"] == "SyncFailed" && c["status"] != "True";
    Some(conditions.iter().find(failed)?["message"].as_str().unwrap_or("no message"))
}

fn protects(budget: &Value, pod: &Pod) -> bool {
    let selector = &budget["spec"]["selector"];
    budget["metadata"]["namespace"] == *pod.namespace && selector.is_object() && matches(selector, pod)
}

/// Matches both halves of a label selector; an empty one selects all.
fn matches(selector: &Value, pod: &Pod) -> bool {
    let has = |key: &str, value: &Value| pod.label(key).is_some_and(|own| value == own);
    let all_labels = selector["matchLabels"].as_object().into_iter().flatten().all(|(k, v)| has(k, v));
    let expressions = selector["matchExpressions"].as_array();
    all_labels && expressions.into_iter().flatten().all(|e| holds(e, pod))
}

fn holds(expression: &Value, pod: &Pod) -> bool {
    let value = expression["key"].as_str().and_then(|key| pod.label(key));
    let listed = |own: &str| expression["values"].as_array().is_some_and(|all| all.iter().any(|x| x == own));
    match expression["operator"].as_str() {
        Some("In") => value.is_some_and(listed),
        Some("NotIn") => !value.is_some_and(listed),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => false,
    }
}
