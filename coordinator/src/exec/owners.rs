//! The cluster, with what the journal knows about the owner of each cordon: whether its run has ended, so that another run may take it
//! over.

use crate::cluster::{Change, Cluster, Followed, Parts, PartsAsk, SecretCopy};
use crate::dispatch::Progress;
use crate::store::Store;
use async_trait::async_trait;
use bytes::Bytes;
use podlift_engine::doors::{ApiProbe, NodeView};
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::{Epoch, Failure, RunId};
use std::sync::Arc;
use tokio::sync::mpsc;

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

    async fn ready_at(&self, endpoint: &str) -> ApiProbe {
        self.cluster.ready_at(endpoint).await
    }

    async fn read_at(&self, endpoint: &str) -> ApiProbe {
        self.cluster.read_at(endpoint).await
    }

    async fn write_at(&self, endpoint: &str) -> ApiProbe {
        self.cluster.write_at(endpoint).await
    }

    async fn watch_at(&self, endpoint: &str, opened: &(dyn Fn() + Send + Sync)) -> Result<(), String> {
        self.cluster.watch_at(endpoint, opened).await
    }

    async fn follow(&self, what: &Followed, changes: &mpsc::Sender<Change>) -> Failure {
        self.cluster.follow(what, changes).await
    }

    async fn parts(&self, ask: &PartsAsk, told: &Progress) -> Parts {
        self.cluster.parts(ask, told).await
    }

    async fn create_secret(&self, copy: &SecretCopy) -> Result<String, Failure> {
        self.cluster.create_secret(copy).await
    }

    async fn said_about(&self, kind: &str, namespace: &str, name: &str) -> Result<Option<String>, Failure> {
        self.cluster.said_about(kind, namespace, name).await
    }

    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure> {
        self.cluster.raw(path, query).await
    }
}
