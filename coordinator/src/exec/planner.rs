//! Gathers what the planner looks at, all of it at once, and asks the engine for the plan. Changes nothing anywhere.

use super::Performer;
use crate::bcm::{Bcm, Question, parse};
use futures_util::future::join_all;
use jiff::Timestamp;
use podlift_common::clock::Clock;
use podlift_engine::inventory::{Inventory, NodeEntry};
use podlift_engine::plan::{BcmView, PlanInput, PlanOptions, Waiver};
use podlift_engine::request::{AddonsView, ApiProbe, KubeadmConfigView, NodeView};
use podlift_engine::view::report::VIP;
use podlift_engine::{ClusterCall, ClusterReply};
use podlift_model::facts::{EtcdState, PackageOffer};
use podlift_model::op::Look;
use podlift_model::{ClusterName, Epoch, Failure, KubeVersion, NodeFacts, NodeName, OpOutput};
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct Planner {
    pub cluster: ClusterName,
    pub performer: Performer,
    pub clock: Arc<dyn Clock>,
    /// None: not configured.
    pub bcm: Option<Arc<dyn Bcm>>,
}

/// What was asked for.
pub(crate) struct Wanted {
    pub to: KubeVersion,
    pub nodes: Vec<NodeName>,
    pub options: PlanOptions,
    pub waivers: Vec<Waiver>,
}

type Told<T> = Result<T, String>;

/// Milliseconds by which `theirs` is ahead of `ours`.
fn ahead(theirs: Timestamp, ours: Timestamp) -> i64 {
    theirs.as_millisecond().saturating_sub(ours.as_millisecond())
}

fn odd(what: &str) -> String {
    format!("unexpected answer to {what}")
}

impl Planner {
    pub(crate) async fn gather(&self, wanted: Wanted, epoch: &Epoch) -> Result<PlanInput, Failure> {
        let (views, mut facts) = tokio::join!(self.nodes(epoch), self.facts());
        // Told apart: facts go into the plan, and the same node has the same facts a second later.
        let clocks =
            facts.iter_mut().filter_map(|(f, at)| Some((f.node.clone(), ahead(f.clock.take()?, *at))));
        let clocks = clocks.collect();
        let inventory = Inventory::join(views?, facts.into_iter().map(|(f, _)| f).collect());
        let (config, addons, probes, offers, etcd, bcm) = tokio::join!(
            self.config(epoch),
            self.addons(epoch),
            self.probes(&inventory, epoch),
            self.offers(&inventory, wanted.to),
            self.etcd(&inventory),
            self.bcm()
        );
        Ok(PlanInput {
            cluster: self.cluster.clone(),
            to: wanted.to,
            nodes: wanted.nodes,
            options: wanted.options,
            waivers: wanted.waivers,
            inventory,
            kubeadm_config: config,
            offers,
            etcd,
            probes,
            addons,
            bcm,
            clocks,
            refused_agents: self.performer.agents.refused(),
            now: self.clock.now(),
        })
    }

    async fn nodes(&self, epoch: &Epoch) -> Result<Vec<NodeView>, Failure> {
        match self.performer.cluster.call(&ClusterCall::Nodes, epoch).await? {
            ClusterReply::Nodes(nodes) => Ok(nodes),
            _ => Err(Failure::permanent("odd-reply", odd("nodes"))),
        }
    }

    /// Fresh facts of every connected agent, and when they came; of one that does not answer now, none.
    async fn facts(&self) -> Vec<(NodeFacts, Timestamp)> {
        let seen = self.performer.agents.seen();
        let looks = seen.into_iter().filter(|n| n.connected).map(|n| async move {
            match self.performer.agents.observe(&n.facts.node, &Look::Facts).await {
                Ok(OpOutput::Facts(facts)) => Some((*facts, self.clock.now())),
                Ok(_) => None,
                Err(failure) => {
                    tracing::warn!(node = %n.facts.node, %failure, "no facts: the plan takes this agent for absent");
                    None
                }
            }
        });
        join_all(looks).await.into_iter().flatten().collect()
    }

    async fn bcm(&self) -> Option<BcmView> {
        let bcm = self.bcm.as_ref()?;
        let of_cluster = Question::ClusterVersion { cluster: self.cluster.clone() };
        let (minors, recorded) =
            tokio::join!(bcm.ask(&Question::KubernetesVersions {}), bcm.ask(&of_cluster));
        Some(BcmView {
            minors: minors.map_err(|e| e.to_string()).and_then(|ran| parse::kubernetes_versions(&ran)),
            recorded: recorded.map_err(|e| e.to_string()).and_then(|ran| parse::cluster_version(&ran)),
        })
    }

    async fn config(&self, epoch: &Epoch) -> Told<KubeadmConfigView> {
        match self.performer.cluster.call(&ClusterCall::KubeadmConfig, epoch).await {
            Ok(ClusterReply::KubeadmConfig(config)) => Ok(config),
            Ok(_) => Err(odd("kubeadm-config")),
            Err(failure) => Err(failure.message),
        }
    }

    async fn addons(&self, epoch: &Epoch) -> Told<AddonsView> {
        match self.performer.cluster.call(&ClusterCall::Addons, epoch).await {
            Ok(ClusterReply::Addons(addons)) => Ok(addons),
            Ok(_) => Err(odd("addons")),
            Err(failure) => Err(failure.message),
        }
    }

    /// Each API server by itself, and the address that everybody uses.
    async fn probes(&self, inventory: &Inventory, epoch: &Epoch) -> Vec<ApiProbe> {
        let endpoints = super::probes::endpoints(inventory);
        match self.performer.cluster.call(&ClusterCall::ProbeApiServers { endpoints }, epoch).await {
            Ok(ClusterReply::Probes(probes)) => probes,
            Ok(_) => vec![ApiProbe { endpoint: VIP.into(), ok: false, why: odd("probes") }],
            Err(failure) => vec![ApiProbe { endpoint: VIP.into(), ok: false, why: failure.message }],
        }
    }

    async fn offers(
        &self,
        inventory: &Inventory,
        to: KubeVersion,
    ) -> BTreeMap<NodeName, Told<Vec<PackageOffer>>> {
        let nodes = inventory.nodes.iter().filter(|n| n.facts.is_some());
        self.ask(nodes, &Look::Packages { to }, |output| match output {
            OpOutput::Packages(offers) => Some(offers),
            _ => None,
        })
        .await
    }

    async fn etcd(&self, inventory: &Inventory) -> BTreeMap<NodeName, Told<EtcdState>> {
        let nodes = inventory.control_planes().filter(|n| n.facts.is_some());
        self.ask(nodes, &Look::EtcdHealth, |output| match output {
            OpOutput::Etcd(state) => Some(state),
            _ => None,
        })
        .await
    }

    async fn ask<'a, T>(
        &self,
        nodes: impl Iterator<Item = &'a NodeEntry>,
        look: &Look,
        pick: impl Fn(OpOutput) -> Option<T>,
    ) -> BTreeMap<NodeName, Told<T>> {
        let looks = nodes
            .map(|n| async move { (n.name.clone(), self.performer.agents.observe(&n.name, look).await) });
        let told = join_all(looks).await.into_iter().map(|(name, result)| {
            let told = result
                .map_err(|f| f.message)
                .and_then(|output| pick(output).ok_or_else(|| odd("an observation")));
            (name, told)
        });
        told.collect()
    }
}
