//! A cluster port that reports failures as success.

use super::Sabotage;
use async_trait::async_trait;
use k8s_openapi::api::core::v1::Node;
use podlift_coordinator::Cluster;
use podlift_engine::doors::{EvictionView, NodeView, Owner};
use podlift_engine::survey::Hardware;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_lab::World;
use podlift_lab::objects::Key;
use podlift_model::{Epoch, Failure, RunId};
use std::sync::{Arc, Mutex, PoisonError};

pub struct Lying {
    pub inner: Arc<dyn Cluster>,
    pub world: Arc<World>,
    pub sabotage: Sabotage,
    /// The run that cordons, and its coordinator's epoch.
    pub owner: Mutex<Option<Owner>>,
}

impl Lying {
    /// Every cordon is ours.
    fn claim(&self, node: &mut NodeView) {
        let owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (true, None, Some(owner)) = (node.unschedulable, &node.owner, owner) {
            node.owner = Some(owner);
        }
    }

    /// Everything that the node has is allocatable.
    fn as_before(&self, node: &str, reply: ClusterReply) -> Option<Hardware> {
        let ClusterReply::Hardware(Some(mut hardware)) = reply else { return None };
        let s = self.world.lock();
        let object = s.api.get(&Key::node(node));
        for (name, amount) in &mut hardware.allocatable {
            let capacity = object.and_then(|n| n["status"]["capacity"][name].as_str());
            *amount = capacity.map_or(amount.clone(), String::from);
        }
        Some(hardware)
    }

    fn note(&self, run: &RunId, epoch: &Epoch) {
        let owner = Owner { run: run.clone(), epoch: epoch.clone(), over: false };
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = Some(owner);
    }

    /// Takes a cordon away, whatever its owner is.
    async fn uncordon(&self, node: &str) -> Result<String, Failure> {
        let api: kube::Api<Node> = kube::Api::all(self.world.kube_client());
        api.uncordon(node).await.map_err(|e| Failure::transient("api-unreachable", e.to_string()))?;
        Ok("uncordoned".into())
    }
}

#[async_trait]
impl Cluster for Lying {
    fn behind(&self) -> Option<&dyn Cluster> {
        Some(&*self.inner)
    }

    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<bytes::Bytes>, Failure> {
        self.inner.raw(path, query).await
    }

    async fn look(&self, look: &ClusterLook) -> Result<ClusterReply, Failure> {
        match (self.sabotage, look) {
            (Sabotage::CordonOwnerIgnored, _) => {
                let mut reply = self.inner.look(look).await?;
                match &mut reply {
                    ClusterReply::Node(node) => self.claim(node),
                    ClusterReply::Nodes(nodes) => nodes.iter_mut().for_each(|n| self.claim(n)),
                    _ => {}
                }
                Ok(reply)
            }
            (Sabotage::DevicesUnasked, ClusterLook::Hardware { node }) => {
                let reply = self.inner.look(look).await?;
                Ok(ClusterReply::Hardware(self.as_before(node.as_str(), reply)))
            }
            (Sabotage::DrainFailureIgnored, ClusterLook::PodsToEvict { .. }) => {
                Ok(ClusterReply::Pods(EvictionView::default()))
            }
            _ => self.inner.look(look).await,
        }
    }

    async fn act(&self, act: &ClusterAct, epoch: &Epoch) -> Result<String, Failure> {
        match (self.sabotage, act) {
            (Sabotage::CordonOwnerIgnored, ClusterAct::Uncordon { node, run }) => {
                self.note(run, epoch);
                self.uncordon(node.as_str()).await
            }
            (Sabotage::CordonOwnerIgnored, ClusterAct::Cordon { run, .. }) => {
                self.note(run, epoch);
                self.inner.act(act, epoch).await
            }
            (Sabotage::DrainFailureIgnored, ClusterAct::Drain { .. }) => {
                let tried = self.inner.act(act, epoch).await;
                Ok(tried.unwrap_or("drained".into()))
            }
            _ => self.inner.act(act, epoch).await,
        }
    }
}
