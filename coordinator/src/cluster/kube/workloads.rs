//! Nodes and pods together, for the choice of a batch. Both come from the shared watches; a watch that is not new enough is replaced by a
//! list.

use super::pod::Pod;
use super::{KubeCluster, nodes, survey};
use podlift_engine::ClusterReply;
use podlift_engine::doors::NodeView;
use podlift_engine::survey::PodView;
use podlift_model::Failure;

impl KubeCluster {
    /// Finished pods and copies of static pods are left out, because nothing ends with them.
    pub(super) async fn workloads(&self) -> Result<ClusterReply, Failure> {
        let (nodes, pods) = tokio::join!(self.all_nodes(), self.all_pods());
        Ok(ClusterReply::Workloads { nodes: nodes?, pods: pods? })
    }

    async fn all_nodes(&self) -> Result<Vec<NodeView>, Failure> {
        match self.watched_nodes().await {
            Some(nodes) => Ok(nodes),
            None => nodes::list(&self.api).await,
        }
    }

    async fn all_pods(&self) -> Result<Vec<PodView>, Failure> {
        let never = &self.never_interrupt;
        let watched = match &self.watches {
            Some(watches) => watches.pods.all(self.api.written()).await,
            None => None,
        };
        let Some(watched) = watched else {
            let all = survey::pods_of(&self.api, never).await?;
            return Ok(all.into_iter().filter(|pod| !pod.finished && !pod.mirror).collect());
        };
        let alive = watched.iter().filter(|pod| !pod.finished && !pod.mirror);
        Ok(alive.map(|pod| Pod::work(pod, never)).collect())
    }
}
