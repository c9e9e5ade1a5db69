//! One attempt to make a pod go, and what its answer means.

use super::super::api::{Api, ApiError, ApiStatus};
use super::super::pod::Pod;
use podlift_engine::doors::DrainOptions;
use serde_json::{Value, json};
use std::time::Duration;

/// Time between two attempts that are refused for now, as in kubectl.
pub(super) const AGAIN: Duration = Duration::from_secs(5);
/// kubectl deletes such pods one by one with no budget; the API refuses to choose, so another attempt gets the same answer.
const TWO_BUDGETS: &str = "more than one PodDisruptionBudget";

/// What an attempt led to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Accepted,
    /// There is no such pod.
    Gone,
    /// The object has another uid or has changed; a look decides.
    Conflict,
    /// Refused for now, by a budget or because the API is busy or away.
    Later(Duration, String),
    /// The pod's own controller moves it, and refuses the eviction meanwhile.
    Moving(String),
    /// Refused for a reason that passes or not: an admission webhook, an error within the API server, roles that are not there.
    Doubtful(String),
    Failed(String),
}

/// Asks for the eviction, or deletes the pod if evictions are disabled. Both name the uid, so that a pod that came back under the same
/// name is never touched.
pub(super) async fn attempt(api: &Api, pod: &Pod, options: &DrainOptions) -> Answer {
    let answer = match options.disable_eviction {
        true => api.delete(&pod.path(), &delete_options(pod, options)).await,
        false => {
            let body = json!({
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": *pod.pod, "namespace": *pod.namespace},
                "deleteOptions": delete_options(pod, options),
            });
            api.post(&format!("{}/eviction", pod.path()), &body).await
        }
    };
    match answer {
        Ok(_) => Answer::Accepted,
        Err(ApiError::Unreachable(why)) => Answer::Later(AGAIN, why),
        Err(ApiError::Status(status)) => refused(pod, status),
    }
}

fn delete_options(pod: &Pod, options: &DrainOptions) -> Value {
    let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": *pod.uid}});
    // A negative period is kubectl's word for the pod's own.
    if let Some(seconds) = options.grace_period_seconds.filter(|s| *s >= 0) {
        body["gracePeriodSeconds"] = json!(seconds);
    }
    body
}

fn refused(pod: &Pod, s: ApiStatus) -> Answer {
    let why = explained(&s);
    match s.code {
        404 => Answer::Gone,
        409 => Answer::Conflict,
        _ if s.message.to_lowercase().contains("evacuat") => Answer::Moving(why),
        429 | 503 | 504 | 408 => Answer::Later(s.retry_after.unwrap_or_default().max(AGAIN), why),
        403 if s.causes.iter().any(|c| c.reason == "NamespaceTerminating") => match pod.deleting.is_some() {
            true => Answer::Accepted,
            false => Answer::Later(AGAIN, why),
        },
        500 if s.message.contains(TWO_BUDGETS) => Answer::Failed(format!("500 {why}")),
        code @ (401 | 403 | 500..) => Answer::Doubtful(format!("{code} {why}")),
        code => Answer::Failed(format!("{code} {why}")),
    }
}

/// The message with the causes, because only a cause names the budget.
fn explained(s: &ApiStatus) -> String {
    let more =
        s.causes.iter().map(|c| c.message.as_str()).filter(|m| !m.is_empty() && !s.message.contains(m));
    let more: Vec<&str> = more.collect();
    if more.is_empty() { s.message.clone() } else { format!("{} ({})", s.message, more.join("; ")) }
}
