//! How a drain sees pods: in the shared watch if that is new enough, else by asking the API.

use super::super::api::{Api, ApiError};
use super::super::cache::{Cache, number};
use super::super::pod::Pod;
use podlift_model::{Failure, NodeName};
use serde_json::Value;

#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    api: &'a Api,
    watched: Option<&'a Cache<Pod>>,
    /// resourceVersion that the watch must have reached.
    since: u64,
}

impl<'a> Sight<'a> {
    /// Sees every pod that was bound before this state of the node, so that none is missed that came before the cordon.
    pub fn after(node: &Value, api: &'a Api, watched: Option<&'a Cache<Pod>>) -> Self {
        let since = number(node["metadata"]["resourceVersion"].as_str().unwrap_or_default());
        // Without a number nothing can be said about the age of the watch.
        Self { api, watched: watched.filter(|_| since > 0), since }
    }

    pub fn is_watched(&self) -> bool {
        self.watched.is_some()
    }

    /// All pods of a node.
    pub async fn pods(&self, node: &NodeName) -> Result<Vec<Pod>, Failure> {
        if let Some(watched) = self.watched
            && let Some(pods) = watched.group(self.since, node.as_str()).await
        {
            return Ok(pods.iter().map(|pod| pod.as_ref().clone()).collect());
        }
        let (selector, mut pods) = (format!("spec.nodeName={node}"), Vec::new());
        let query = [("fieldSelector", selector.as_str())];
        let version = self.api.each_at("/api/v1/pods", &query, |pod: Pod| pods.push(pod)).await?;
        if let Some(watched) = self.watched {
            watched.agree(node.as_str(), number(&version), &pods);
        }
        Ok(pods)
    }

    /// The same pod as the watch shows it now; the inner `None` means that it is gone, or that another pod has its name. `None` if the watch
    /// has not got as far as this pod.
    pub fn glance(&self, pod: &Pod) -> Option<Option<Pod>> {
        // What the watch has applied up to the pod's own version includes the pod.
        let (watched, version @ 1..) = (self.watched?, pod.version) else { return None };
        let now = watched.glance(version, |state| state.get(&pod.name()))?;
        Some(now.filter(|now| now.uid == pod.uid).map(|now| now.as_ref().clone()))
    }

    /// Asks the API itself.
    pub async fn ask(&self, pod: &Pod) -> Result<Option<Pod>, ApiError> {
        let Some(found) = self.api.find(&pod.path()).await? else { return Ok(None) };
        // An object that can't be read is no pod that could be waited for.
        let now = serde_json::from_value::<Pod>(found).ok();
        Ok(now.filter(|now| now.uid == pod.uid))
    }
}
