//! How a drain sees pods.

use super::super::api::{Api, ApiError};
use super::super::pod::Pod;
use podlift_model::{Failure, NodeName};

#[derive(Clone, Copy)]
pub(in super::super) struct Sight<'a> {
    pub api: &'a Api,
}

impl Sight<'_> {
    /// All pods of a node.
    pub async fn pods(&self, node: &NodeName) -> Result<Vec<Pod>, Failure> {
        let (selector, mut pods) = (format!("spec.nodeName={node}"), Vec::new());
        self.api.each("/api/v1/pods", &[("fieldSelector", &selector)], |pod: Pod| pods.push(pod)).await?;
        Ok(pods)
    }

    /// The same pod as it is now; `None` if it is gone, or if another pod has its name.
    pub async fn again(&self, pod: &Pod) -> Result<Option<Pod>, ApiError> {
        let Some(found) = self.api.find(&pod.path()).await? else { return Ok(None) };
        let now: Pod = serde_json::from_value(found).unwrap_or_default();
        Ok((now.uid == pod.uid).then_some(now))
    }
}
