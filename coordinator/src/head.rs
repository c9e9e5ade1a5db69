//! What BCM reports, through the agent on the head node. That agent runs BCM's tools; the coordinator starts no process.

use crate::cluster::Cluster;
use crate::dispatch::{Agents, Progress, UNREACHABLE};
use async_trait::async_trait;
use bytes::Bytes;
use podlift_engine::doors::ApiProbe;
use podlift_engine::goals::BcmView;
use podlift_engine::survey::BcmApplication;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::{Epoch, Failure, Look, Minor, NodeName, OpOutput, PackageVersion};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Time limit of a question; it is longer than the agent's limit for one of the tools.
const LIMIT: Duration = Duration::from_secs(75);
/// How long to wait for the agent to connect. After a start of the coordinator its agents reconnect within seconds.
const DIALLING: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(200);

/// The agent of the head node, by its name.
pub struct Head {
    agents: Arc<dyn Agents>,
    name: NodeName,
}

impl Head {
    pub fn new(agents: Arc<dyn Agents>, name: NodeName) -> Arc<Self> {
        Arc::new(Self { agents, name })
    }

    /// BCM's part of a plan's input. Each part that is not known has its own reason.
    pub async fn view(&self) -> BcmView {
        let (minors, recorded) = tokio::join!(self.minors(), self.recorded());
        BcmView { minors, recorded }
    }

    async fn minors(&self) -> Result<Vec<Minor>, String> {
        match self.ask(Look::BcmVersions).await? {
            OpOutput::BcmVersions(minors) => Ok(minors),
            _ => Err(self.odd()),
        }
    }

    async fn recorded(&self) -> Result<PackageVersion, String> {
        match self.ask(Look::BcmClusterVersion).await? {
            OpOutput::BcmClusterVersion(version) => Ok(version),
            _ => Err(self.odd()),
        }
    }

    async fn applications(&self) -> Result<Vec<BcmApplication>, String> {
        match self.ask(Look::BcmApplications).await? {
            OpOutput::BcmApplications(all) => Ok(all),
            _ => Err(self.odd()),
        }
    }

    fn odd(&self) -> String {
        format!(
            "the agent of head node {} answered something other than the answer to the question",
            self.name
        )
    }

    async fn ask(&self, look: Look) -> Result<OpOutput, String> {
        let answered = tokio::time::timeout(LIMIT, self.when_there(&look)).await;
        let late =
            |_| format!("the agent of head node {} did not answer within {} s", self.name, LIMIT.as_secs());
        answered.map_err(late)?.map_err(|failure| match self.agents.refused().remove(&self.name) {
            Some(why) => format!("{}; it was refused: {why}", failure.message),
            None => failure.message,
        })
    }

    async fn when_there(&self, look: &Look) -> Result<OpOutput, Failure> {
        let until = Instant::now() + DIALLING;
        loop {
            match self.agents.observe(&self.name, look).await {
                Err(failure) if failure.code == UNREACHABLE && Instant::now() < until => {
                    tokio::time::sleep(AGAIN).await;
                }
                answer => return answer,
            }
        }
    }
}

/// The cluster with a survey that also holds what BCM applies to it.
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
