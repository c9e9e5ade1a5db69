//! The cluster with a survey that also holds what BCM applies to it.

use super::Head;
use crate::cluster::Cluster;
use crate::dispatch::Progress;
use async_trait::async_trait;
use bytes::Bytes;
use podlift_engine::doors::ApiProbe;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::{Epoch, Failure};
use std::sync::Arc;

pub struct Managed {
    cluster: Arc<dyn Cluster>,
    head: Arc<Head>,
}

impl Managed {
    pub fn new(cluster: Arc<dyn Cluster>, head: Arc<Head>) -> Arc<Self> {
        Arc::new(Self { cluster, head })
    }
}

#[async_trait]
impl Cluster for Managed {
    async fn look(&self, look: &ClusterLook) -> Result<ClusterReply, Failure> {
        let ClusterLook::Survey { .. } = look else { return self.cluster.look(look).await };
        let (reply, applications) = tokio::join!(self.cluster.look(look), self.head.applications());
        Ok(match reply? {
            ClusterReply::Survey(mut survey) => {
                survey.applications = applications.map(Some);
                ClusterReply::Survey(survey)
            }
            other => other,
        })
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

    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure> {
        self.cluster.raw(path, query).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Fleet, name};
    use podlift_engine::survey::BcmApplication;
    use podlift_model::{Look, OpOutput};

    async fn applications(fleet: &Arc<Fleet>) -> Result<Option<Vec<BcmApplication>>, String> {
        let head = Head::new(fleet.clone(), name("head-01"));
        let managed = Managed::new(fleet.clone(), head);
        match managed.look(&ClusterLook::Survey { endpoints: vec![] }).await.unwrap() {
            ClusterReply::Survey(survey) => survey.applications,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_bcm_applies_is_part_of_the_survey_of_the_cluster() {
        let fleet = Fleet::new();
        let why = applications(&fleet).await.unwrap_err();
        assert!(why.contains("cmsh is in none of /cm"), "{why}");
        let rows = vec![BcmApplication { name: "calico".into(), enabled: true }];
        let told = OpOutput::BcmApplications(rows.clone());
        fleet.lock().bcm.insert(Look::BcmApplications.verb(), told);
        assert_eq!(applications(&fleet).await, Ok(Some(rows)));
        fleet.lock().bcm.insert(Look::BcmApplications.verb(), OpOutput::BcmVersions(vec![]));
        assert!(
            applications(&fleet)
                .await
                .unwrap_err()
                .contains("something other than the answer to the question")
        );
    }
}
