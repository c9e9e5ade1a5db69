//! A way to the cluster that takes no for yes.

use super::Sabotage;
use async_trait::async_trait;
use k8s_openapi::api::core::v1::Node;
use podlift_coordinator::Cluster;
use podlift_engine::request::{EvictionView, NodeView, Owner};
use podlift_engine::{ClusterCall, ClusterReply};
use podlift_lab::World;
use podlift_model::{Epoch, Failure, RunId};
use std::sync::{Arc, Mutex, PoisonError};

pub struct Lying {
    pub inner: Arc<dyn Cluster>,
    pub world: Arc<World>,
    pub sabotage: Sabotage,
    pub run: Mutex<Option<RunId>>,
}

impl Lying {
    /// Every cordon is ours.
    fn claim(&self, node: &mut NodeView, epoch: &Epoch) {
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (true, None, Some(run)) = (node.unschedulable, &node.owner, run) {
            node.owner = Some(Owner { run, epoch: epoch.clone() });
        }
    }

    /// Whoever cordoned it.
    async fn uncordon(&self, node: &str) -> Result<ClusterReply, Failure> {
        let api: kube::Api<Node> = kube::Api::all(self.world.kube_client());
        api.uncordon(node).await.map_err(|e| Failure::transient("api-unreachable", e.to_string()))?;
        Ok(ClusterReply::Changed("uncordoned".into()))
    }
}

#[async_trait]
impl Cluster for Lying {
    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<bytes::Bytes>, Failure> {
        self.inner.raw(path, query).await
    }

    async fn call(&self, call: &ClusterCall, epoch: &Epoch) -> Result<ClusterReply, Failure> {
        match (self.sabotage, call) {
            (Sabotage::CordonOwnerIgnored, ClusterCall::Uncordon { node, run }) => {
                *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Some(run.clone());
                self.uncordon(node.as_str()).await
            }
            (Sabotage::CordonOwnerIgnored, _) => {
                if let ClusterCall::Cordon { run, .. } = call {
                    *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Some(run.clone());
                }
                let mut reply = self.inner.call(call, epoch).await?;
                match &mut reply {
                    ClusterReply::Node(node) => self.claim(node, epoch),
                    ClusterReply::Nodes(nodes) => nodes.iter_mut().for_each(|n| self.claim(n, epoch)),
                    _ => {}
                }
                Ok(reply)
            }
            (Sabotage::DrainFailureIgnored, ClusterCall::Drain { .. }) => {
                let tried = self.inner.call(call, epoch).await;
                Ok(tried.unwrap_or(ClusterReply::Changed("drained".into())))
            }
            (Sabotage::DrainFailureIgnored, ClusterCall::PodsToEvict { .. }) => {
                Ok(ClusterReply::Pods(EvictionView::default()))
            }
            _ => self.inner.call(call, epoch).await,
        }
    }
}
