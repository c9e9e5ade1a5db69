//! Gathers the planner's input, all of it concurrently, and asks the engine for the plan. It changes nothing.

mod counts;
mod nodes;
#[cfg(test)]
mod survey_tests;
#[cfg(test)]
mod tests;

pub use counts::{Count, Counts};

use super::Performer;
use crate::dispatch::impostor;
use crate::head::{Head, Scope};
use jiff::Timestamp;
use podlift_common::clock::Clock;
use podlift_engine::doors::{AddonsView, ApiProbe, KubeadmConfigView, NodeView, SecretView, VIP};
use podlift_engine::goals::{Ask, BcmView, Earlier, PlanError, PlanInput};
use podlift_engine::inventory::Inventory;
use podlift_engine::issues::IssueName;
use podlift_engine::program::{Attestation, GoalName};
use podlift_engine::survey::ClusterSurvey;
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::{ClusterName, Failure, KubeVersion, NodeFacts, NodeName, RunId, codes};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub struct Planner {
    pub cluster: ClusterName,
    pub performer: Performer,
    pub clock: Arc<dyn Clock>,
    /// The source of what BCM reports; `None` if BCM is not asked.
    pub head: Option<Arc<Head>>,
    /// How long a node may take for its survey.
    pub survey_timeout: Duration,
}

/// What the journal adds to a plan's input.
#[derive(Debug, Default)]
pub(crate) struct Journaled {
    pub attestations: Vec<Attestation>,
    pub open_run: Option<RunId>,
    pub earlier: Earlier,
}

type Told<T> = Result<T, String>;

/// Milliseconds by which `theirs` is ahead of `ours`.
fn ahead(theirs: Timestamp, ours: Timestamp) -> i64 {
    theirs.as_millisecond().saturating_sub(ours.as_millisecond())
}

fn odd(what: &str) -> String {
    format!("unexpected answer to {what}")
}

/// Removes the facts of workers whose agents report control-plane manifests. They have no vote, and the plan gives the reason.
fn impostors(views: &[NodeView], facts: &mut Vec<(NodeFacts, Timestamp)>) -> BTreeMap<NodeName, String> {
    let workers: BTreeSet<&NodeName> = views.iter().filter(|v| !v.control_plane).map(|v| &v.name).collect();
    let odd = |f: &NodeFacts| !f.manifests.is_empty() && workers.contains(&f.node);
    let told = facts.iter().filter(|(f, _)| odd(f)).map(|(f, _)| (f.node.clone(), impostor(f))).collect();
    facts.retain(|(f, _)| !odd(f));
    told
}

impl Planner {
    /// Completes the question with all of the planner's input.
    pub(crate) async fn gather(
        &self,
        ask: Ask,
        known: Journaled,
        counts: &Counts,
    ) -> Result<PlanInput, Failure> {
        let (views, mut facts) = tokio::join!(self.nodes(), self.facts(counts));
        // Clocks are kept separately, because facts go into the plan, and must be equal when the plan is made again a second later.
        let clocks =
            facts.iter_mut().filter_map(|(f, at)| Some((f.node.clone(), ahead(f.clock.take()?, *at))));
        let clocks = clocks.collect();
        let views = views?;
        let mut refused = self.performer.agents.refused();
        refused.extend(impostors(&views, &mut facts));
        let inventory = Inventory::join(views, facts.into_iter().map(|(f, _)| f).collect());
        let unknown = |e: PlanError| Failure::operator("no-version", e.to_string());
        let to = ask.version(&inventory).map_err(unknown)?;
        let on_nodes = async {
            let surveys = self.surveys(&inventory, to, counts).await;
            let offers = self.offers(&inventory, to, &surveys, counts).await;
            (surveys, offers)
        };
        let (config, addons, probes, etcd, bcm, (surveys, offers), cluster_survey, secrets) = tokio::join!(
            self.config(),
            self.addons(),
            self.probes(&inventory),
            self.etcd(&inventory, counts),
            self.bcm(&inventory, &ask, to, counts),
            on_nodes,
            counts.of("the cluster", self.cluster_survey(&inventory)),
            self.secrets(&ask, &known.earlier)
        );
        Ok(PlanInput {
            cluster: self.cluster.clone(),
            goal: ask.goal.name(),
            to,
            nodes: ask.nodes,
            options: ask.options,
            waivers: ask.waivers,
            inventory,
            kubeadm_config: config,
            offers,
            etcd,
            probes,
            addons,
            bcm,
            clocks,
            refused_agents: refused,
            surveys,
            cluster_survey,
            secrets,
            open_run: known.open_run,
            attestations: known.attestations,
            earlier: known.earlier,
            issues: ask.issues,
            now: self.clock.now(),
        })
    }

    async fn nodes(&self) -> Result<Vec<NodeView>, Failure> {
        match self.performer.cluster.look(&ClusterLook::Nodes).await? {
            ClusterReply::Nodes(nodes) => Ok(nodes),
            _ => Err(Failure::permanent(codes::ODD_REPLY, odd("nodes"))),
        }
    }

    async fn bcm(
        &self,
        inventory: &Inventory,
        ask: &Ask,
        to: KubeVersion,
        counts: &Counts,
    ) -> Option<BcmView> {
        let scope = Scope { inventory, nodes: &ask.nodes, to, images: ask.options.images };
        Some(self.head.as_ref()?.view(&scope, counts).await)
    }

    async fn config(&self) -> Told<KubeadmConfigView> {
        match self.performer.cluster.look(&ClusterLook::KubeadmConfig).await {
            Ok(ClusterReply::KubeadmConfig(config)) => Ok(config),
            Ok(_) => Err(odd("kubeadm-config")),
            Err(failure) => Err(failure.message),
        }
    }

    async fn addons(&self) -> Told<AddonsView> {
        match self.performer.cluster.look(&ClusterLook::Addons).await {
            Ok(ClusterReply::Addons(addons)) => Ok(addons),
            Ok(_) => Err(odd("addons")),
            Err(failure) => Err(failure.message),
        }
    }

    /// Probes each API server, and the shared address.
    async fn probes(&self, inventory: &Inventory) -> Vec<ApiProbe> {
        let endpoints = super::probes::endpoints(inventory);
        match self.performer.cluster.look(&ClusterLook::ProbeApiServers { endpoints }).await {
            Ok(ClusterReply::Probes(probes)) => probes,
            Ok(_) => vec![ApiProbe { endpoint: VIP.into(), ok: false, why: odd("probes") }],
            Err(failure) => vec![ApiProbe { endpoint: VIP.into(), ok: false, why: failure.message }],
        }
    }

    /// The TLS secrets of the last record, for a repair that is about them.
    async fn secrets(&self, ask: &Ask, earlier: &Earlier) -> BTreeMap<String, Told<SecretView>> {
        let about = ask.issues.is_empty() || ask.issues.contains(&IssueName::IngressTls);
        let mut out = BTreeMap::new();
        if ask.goal.name() != GoalName::Repair || !about {
            return out;
        }
        for whole in &earlier.site.tls_secrets {
            let Some((namespace, name)) = whole.split_once('/') else { continue };
            let look = ClusterLook::Secret { namespace: namespace.into(), name: name.into() };
            let seen = match self.performer.cluster.look(&look).await {
                Ok(ClusterReply::Secret(view)) => Ok(view),
                Ok(_) => Err(odd("a secret")),
                Err(failure) => Err(failure.message),
            };
            out.insert(whole.clone(), seen);
        }
        out
    }

    async fn cluster_survey(&self, inventory: &Inventory) -> Told<ClusterSurvey> {
        let endpoints = super::probes::endpoints(inventory).into_iter().filter(|e| e != VIP).collect();
        match self.performer.cluster.look(&ClusterLook::Survey { endpoints }).await {
            Ok(ClusterReply::Survey(seen)) => Ok(*seen),
            Ok(_) => Err(odd("a survey of the cluster")),
            Err(failure) => Err(failure.message),
        }
    }
}
