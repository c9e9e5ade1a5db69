//! Evicts one pod: requests the eviction until it is accepted, then waits until the pod is gone.

use super::super::api::{Api, ApiError, ApiStatus};
use super::filter::Pod;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// Time between two attempts at an eviction that is refused for now, as in kubectl.
const AGAIN: Duration = Duration::from_secs(5);
/// Time between two looks at a pod that is terminating.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ended {
    Gone,
    /// The time limit passed; the reason why the pod stayed.
    Blocked(String),
    Failed(String),
}

impl Ended {
    pub fn failed(&self) -> Option<&str> {
        match self {
            Ended::Failed(why) => Some(why),
            _ => None,
        }
    }
    pub fn blocked(&self) -> Option<&str> {
        match self {
            Ended::Blocked(why) => Some(why),
            _ => None,
        }
    }
}

/// The result of one attempt.
enum Attempt {
    Accepted,
    Gone,
    Later(Duration, String),
    Failed(String),
}

pub(super) async fn evict(api: &Api, pod: &Pod, deadline: Instant) -> Ended {
    loop {
        let (pause, why) = match attempt(api, pod).await {
            Attempt::Gone => return Ended::Gone,
            Attempt::Accepted => return wait_until_gone(api, pod, deadline).await,
            Attempt::Failed(why) => return Ended::Failed(format!("{}: {why}", pod.name())),
            Attempt::Later(pause, why) => (pause, why),
        };
        if Instant::now() + pause > deadline {
            sleep_until(deadline).await;
            return Ended::Blocked(why);
        }
        sleep(pause).await;
    }
}

async fn attempt(api: &Api, pod: &Pod) -> Attempt {
    let body = json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.pod, "namespace": pod.namespace},
    });
    match api.post(&format!("{}/eviction", pod.path()), &body).await {
        Ok(_) => Attempt::Accepted,
        Err(ApiError::Unreachable(why)) => Attempt::Later(AGAIN, why),
        Err(ApiError::Status(s)) => refused(pod, s),
    }
}

fn refused(pod: &Pod, s: ApiStatus) -> Attempt {
    match s.code {
        404 => Attempt::Gone,
        429 => Attempt::Later(s.retry_after.unwrap_or_default().max(AGAIN), s.message),
        403 if s.causes.iter().any(|c| c == "NamespaceTerminating") => match pod.deleting {
            true => Attempt::Accepted,
            false => Attempt::Later(AGAIN, s.message),
        },
        // Another pod has this name already.
        409 => Attempt::Accepted,
        503 | 504 => Attempt::Later(s.retry_after.unwrap_or_default().max(AGAIN), s.message),
        code => Attempt::Failed(format!("{code} {}", s.message)),
    }
}

/// A pod is gone if the answer is 404, or if another pod has its name.
async fn wait_until_gone(api: &Api, pod: &Pod, deadline: Instant) -> Ended {
    loop {
        match api.find(&pod.path()).await {
            Ok(None) => return Ended::Gone,
            Ok(Some(now)) if now["metadata"]["uid"] != pod.uid.as_str() => return Ended::Gone,
            Ok(Some(_)) | Err(ApiError::Unreachable(_)) => {}
            Err(ApiError::Status(s)) if matches!(s.code, 429 | 503 | 504) => {}
            Err(ApiError::Status(s)) => {
                return Ended::Failed(format!("{}: {} {}", pod.name(), s.code, s.message));
            }
        }
        if Instant::now() + LOOK > deadline {
            return Ended::Blocked("evicted, and still there".into());
        }
        sleep(LOOK).await;
    }
}
