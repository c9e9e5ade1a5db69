//! `podlift clusters`: asks the head node's agent for BCM's Kubernetes clusters. Nothing is kept.

use super::{Coordinator, CoordinatorError};
use podlift_engine::view::{self, Clusters};

impl Coordinator {
    pub async fn clusters(&self) -> Result<Clusters, CoordinatorError> {
        let head = self.planner.head.as_ref().ok_or(CoordinatorError::NoBcm)?;
        let listed = head.clusters().await.map_err(|why| CoordinatorError::BcmUnknown { why })?;
        Ok(view::clusters(&self.cluster_name, head.name(), self.clock.now(), listed))
    }
}
