//! Nodes and pods together, for the choice of a batch. Both come from the shared watches as they are now: a choice is judged again when
//! something changes, so it needs no state that is as new as our own last write. Only without a watch everything is listed, the pods once a
//! minute at most. The objects of gangs have no watch.

use super::{KubeCluster, nodes, survey};
use podlift_engine::ClusterReply;
use podlift_engine::doors::NodeView;
use podlift_engine::survey::{GangView, PodView};
use podlift_model::Failure;

impl KubeCluster {
    /// Finished pods and copies of static pods are left out, because nothing ends with them.
    pub(super) async fn workloads(&self) -> Result<ClusterReply, Failure> {
        let (nodes, pods, gangs) = tokio::join!(self.all_nodes(), self.all_pods(), self.all_gangs());
        Ok(ClusterReply::Workloads { nodes: nodes?, pods: pods?, gangs })
    }

    /// What is declared of gangs makes a choice better and is never needed for it.
    async fn all_gangs(&self) -> Vec<GangView> {
        self.gangs.all_or_last(|| survey::gangs_of(&self.api)).await
    }

    async fn all_nodes(&self) -> Result<Vec<NodeView>, Failure> {
        if let Some(watches) = &self.watches
            && let Some(nodes) = watches.nodes.live().await
        {
            return Ok(nodes.iter().map(|node| node.view.clone()).collect());
        }
        nodes::list(&self.api).await
    }

    async fn all_pods(&self) -> Result<Vec<PodView>, Failure> {
        let never = &self.never_interrupt;
        if let Some(watches) = &self.watches
            && let Some(pods) = watches.pods.live().await
        {
            self.listed.forget().await;
            let alive = pods.iter().filter(|pod| !pod.finished && !pod.mirror);
            return Ok(alive.map(|pod| pod.work(never)).collect());
        }
        let list = || async {
            let pods = survey::pods_of(&self.api, never).await?;
            Ok(pods.into_iter().filter(|pod| !pod.finished && !pod.mirror).collect())
        };
        self.listed.all(list).await
    }
}
