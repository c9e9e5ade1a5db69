//! The cluster, with what the journal knows about the owner of each cordon: whether its run has ended, so that another run may take it
//! over.

use crate::cluster::Cluster;
use crate::dispatch::Progress;
use crate::store::Store;
use async_trait::async_trait;
use bytes::Bytes;
use podlift_engine::doors::NodeView;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::{Epoch, Failure, RunId};
use std::sync::Arc;

pub(crate) struct Owners {
    cluster: Arc<dyn Cluster>,
    store: Arc<Store>,
}

impl Owners {
    pub fn new(cluster: Arc<dyn Cluster>, store: Arc<Store>) -> Arc<Self> {
        Arc::new(Self { cluster, store })
    }

    fn complete(&self, node: &mut NodeView) {
        if let Some(owner) = &mut node.owner {
            owner.over = is_over(&self.store, &owner.run);
        }
    }
}

/// Whether the run is in this journal, or in one of its archives, and has ended.
pub(crate) fn is_over(store: &Store, run: &RunId) -> bool {
    store.run(run).map_or_else(|| store.archived(run).is_some(), |state| state.is_over())
}

#[async_trait]
impl Cluster for Owners {
    fn behind(&self) -> Option<&dyn Cluster> {
        Some(&*self.cluster)
    }

    async fn look(&self, look: &ClusterLook) -> Result<ClusterReply, Failure> {
        let mut reply = self.cluster.look(look).await?;
        match &mut reply {
            ClusterReply::Node(node) => self.complete(node),
            ClusterReply::Nodes(nodes) | ClusterReply::Workloads { nodes, .. } => {
                nodes.iter_mut().for_each(|node| self.complete(node))
            }
            _ => {}
        }
        Ok(reply)
    }

    async fn act(&self, act: &ClusterAct, epoch: &Epoch) -> Result<String, Failure> {
        self.cluster.act(act, epoch).await
    }

    async fn act_told(&self, act: &ClusterAct, epoch: &Epoch, told: &Progress) -> Result<String, Failure> {
        self.cluster.act_told(act, epoch, told).await
    }

    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure> {
        self.cluster.raw(path, query).await
    }
}
