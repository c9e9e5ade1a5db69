//! The cluster, with the copies that the coordinator has: of services in its memory and in sealed sets, of secrets in its memory and on
//! this host.

use super::Keeper;
use crate::backup::Backups;
use crate::cluster::Cluster;
use crate::dispatch::Progress;
use crate::store::Store;
use crate::validate::Validator;
use async_trait::async_trait;
use bytes::Bytes;
use podlift_engine::doors::KeptSecret;
use podlift_engine::machine::RunState;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::{Epoch, Failure};
use serde_json::Value;
use std::sync::Arc;

pub(crate) struct Copies {
    pub cluster: Arc<dyn Cluster>,
    pub keeper: Arc<Keeper>,
    pub backups: Arc<Backups>,
    pub store: Arc<Store>,
    pub validator: Arc<Validator>,
}

impl Copies {
    /// The sealed set of the open run comes first, because the run compares with it; then the memory, which is newer than other sets.
    async fn service(&self, namespace: &str, name: &str) -> Result<Option<Value>, Failure> {
        let open = self.open();
        let sealed = open.as_ref().and_then(|s| Some((&s.run, &s.seal.as_ref()?.hash)));
        if sealed.is_none()
            && let Some(copy) = self.keeper.service(namespace, name)
        {
            return Ok(Some(copy));
        }
        match self.backups.service(sealed, namespace, name).await {
            Ok(Some(copy)) => Ok(Some(copy)),
            // A set that is damaged does not hide a good copy in memory.
            other => match self.keeper.service(namespace, name) {
                Some(copy) => Ok(Some(copy)),
                None => other,
            },
        }
    }

    fn open(&self) -> Option<Arc<RunState>> {
        self.store.runs().iter().filter_map(|run| self.store.run(run)).find(|s| !s.is_over())
    }

    async fn kept(&self, namespace: &str, name: &str) -> KeptSecret {
        if self.keeper.secret(namespace, name).is_some() {
            return KeptSecret::Memory;
        }
        let open = self.open();
        // The set of a repair was sealed after the secret had gone.
        let upgrade = open.as_ref().filter(|s| s.seal.is_some() && s.plan.goal.upgrade().is_some());
        match self.backups.has_secret(upgrade.map(|s| &s.run), namespace, name).await {
            Ok(true) => KeptSecret::SealedOnly,
            _ => KeptSecret::Nowhere,
        }
    }
}

#[async_trait]
impl Cluster for Copies {
    fn behind(&self) -> Option<&dyn Cluster> {
        Some(&*self.cluster)
    }

    async fn look(&self, look: &ClusterLook) -> Result<ClusterReply, Failure> {
        match look {
            ClusterLook::KeptService { namespace, name } => {
                Ok(ClusterReply::Kept(self.service(namespace, name).await?))
            }
            ClusterLook::Secret { namespace, name } => {
                let mut reply = self.cluster.look(look).await?;
                if let ClusterReply::Secret(view) = &mut reply {
                    view.copy = self.keeper.secret(namespace, name).and_then(|copy| copy.certificate());
                    view.kept = self.kept(namespace, name).await;
                }
                Ok(reply)
            }
            ClusterLook::Validation => Ok(ClusterReply::Validation(Box::new(self.validator.of_run().await))),
            other => self.cluster.look(other).await,
        }
    }

    async fn act(&self, act: &ClusterAct, epoch: &Epoch) -> Result<String, Failure> {
        let ClusterAct::RestoreSecret { namespace, name, .. } = act else {
            return self.cluster.act(act, epoch).await;
        };
        match self.keeper.secret(namespace, name) {
            Some(copy) => self.cluster.create_secret(&copy).await,
            None => Err(Failure::operator(
                "no-copy",
                format!(
                    "the coordinator has no copy of secret {namespace}/{name}: podlift secret restore {namespace}/{name} --set SET --identity FILE"
                ),
            )),
        }
    }

    async fn act_told(&self, act: &ClusterAct, epoch: &Epoch, told: &Progress) -> Result<String, Failure> {
        match act {
            ClusterAct::RestoreSecret { .. } => self.act(act, epoch).await,
            other => self.cluster.act_told(other, epoch, told).await,
        }
    }

    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure> {
        self.cluster.raw(path, query).await
    }
}
