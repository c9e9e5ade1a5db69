//! The cluster with a survey that also holds what BCM applies to it.

use super::Head;
use crate::cluster::Cluster;
use crate::dispatch::{HEAD_UNREACHABLE, Progress};
use async_trait::async_trait;
use bytes::Bytes;
use podlift_engine::doors::CalicoView;
use podlift_engine::survey::BcmApplication;
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
    fn behind(&self) -> Option<&dyn Cluster> {
        Some(&*self.cluster)
    }

    async fn look(&self, look: &ClusterLook) -> Result<ClusterReply, Failure> {
        if !matches!(look, ClusterLook::Survey { .. } | ClusterLook::Calico) {
            return self.cluster.look(look).await;
        }
        let (reply, applications) = tokio::join!(self.cluster.look(look), self.head.applications());
        Ok(match reply? {
            ClusterReply::Survey(mut survey) => {
                if let (Ok(calico), Ok(all)) = (&mut survey.calico, &applications) {
                    of_bcm(calico, all);
                }
                survey.applications = applications.map(Some);
                ClusterReply::Survey(survey)
            }
            ClusterReply::Calico(mut calico) => {
                match applications {
                    Ok(all) => of_bcm(&mut calico, &all),
                    // Without an operator there is nothing that BCM could offer.
                    Err(_) if calico.operator.is_none() && calico.installations.is_empty() => {}
                    Err(why) => {
                        let text =
                            format!("it is not known whether BCM itself offers Tigera's operator: {why}");
                        return Err(Failure::transient(HEAD_UNREACHABLE, text));
                    }
                }
                ClusterReply::Calico(calico)
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

    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure> {
        self.cluster.raw(path, query).await
    }
}

/// BCM's applications that bring Calico. An enabled one of the operator means that BCM offers it on purpose.
fn of_bcm(calico: &mut CalicoView, applications: &[BcmApplication]) {
    let operator = |a: &BcmApplication| a.name.contains("tigera");
    let mine = applications.iter().filter(|a| a.enabled && (a.name.contains("calico") || operator(a)));
    calico.applications = mine.map(|a| a.name.clone()).collect();
    calico.offered_by_bcm = applications.iter().any(|a| a.enabled && operator(a));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Fleet, name};
    use podlift_model::{FailureClass, Look, OpOutput};

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

    #[tokio::test(start_paused = true)]
    async fn an_operator_is_not_judged_while_the_head_node_does_not_tell_what_bcm_offers() {
        let fleet = Fleet::new();
        let managed = Managed::new(fleet.clone(), Head::new(fleet.clone(), name("head-01")));
        let without = managed.look(&ClusterLook::Calico).await;
        assert!(matches!(without, Ok(ClusterReply::Calico(_))), "{without:?}");
        fleet.lock().calico.installations = vec!["default".into()];
        let why = managed.look(&ClusterLook::Calico).await.unwrap_err();
        assert_eq!((why.code.as_str(), why.class), (HEAD_UNREACHABLE, FailureClass::Transient));
        let rows = vec![BcmApplication { name: "tigera-operator".into(), enabled: true }];
        fleet.lock().bcm.insert(Look::BcmApplications.verb(), OpOutput::BcmApplications(rows));
        let Ok(ClusterReply::Calico(seen)) = managed.look(&ClusterLook::Calico).await else {
            panic!("Calico")
        };
        assert!(seen.offered_by_bcm);
    }
}
