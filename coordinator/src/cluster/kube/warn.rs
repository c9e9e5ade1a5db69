//! Tells people that the pod in which they work will be evicted: one Event at each pod. Its name is made of run and pod, so that a
//! repetition writes no second one.

use super::api::{Api, ApiError};
use jiff::Timestamp;
use podlift_model::{Failure, NodeName, PodRef, RunId, count};
use serde_json::{Value, json};

/// Who evicts, why and when.
pub(super) struct Warning<'a> {
    pub node: &'a NodeName,
    pub run: &'a RunId,
    pub seconds: u32,
    pub now: Timestamp,
}

/// Writes the Events. The first one that the API refuses ends it.
pub(super) async fn write(api: &Api, warning: &Warning<'_>, pods: &[PodRef]) -> Result<String, Failure> {
    for pod in pods {
        let path = format!("/api/v1/namespaces/{}/events", pod.namespace);
        match api.post(&path, &warning.event(pod)).await {
            Err(ApiError::Status(status)) if status.code == 409 => {}
            answer => drop(answer?),
        }
    }
    Ok(format!("told the people in {}", count(pods.len(), "pod")))
}

impl Warning<'_> {
    fn event(&self, pod: &PodRef) -> Value {
        let when = self.now + jiff::SignedDuration::from_secs(self.seconds.into());
        let message = format!(
            "this pod will be evicted at {} or soon after, because the Kubernetes of node {} is upgraded: save your work",
            when.strftime("%Y-%m-%d %H:%M UTC"),
            self.node
        );
        json!({
            "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "EvictionPlanned", "message": message,
            "metadata": {"name": format!("podlift-{}-{}", self.run, pod.uid), "namespace": pod.namespace},
            "involvedObject": {
                "apiVersion": "v1", "kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid,
            },
            "source": {"component": "podlift", "host": self.node}, "reportingComponent": "podlift.io/coordinator",
            "reportingInstance": self.run, "firstTimestamp": self.now, "lastTimestamp": self.now, "count": 1,
        })
    }
}
