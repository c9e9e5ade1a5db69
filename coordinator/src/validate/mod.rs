//! Validates the cluster as it is now: gathers what the checks judge, side by side and from the watches where there are any, and has the
//! engine judge it. Test objects and scripts of the site are made only where they are asked for. It changes no node.

mod agents;
mod bcm;
mod certificates;
mod context;
mod settings;
mod site;
#[cfg(test)]
mod tests;

pub use settings::ValidateSettings;

use crate::cluster::{Cluster, PartsAsk};
use crate::dispatch::{Agents, Progress};
use crate::exec::Fence;
use crate::store::Store;
use context::Context;
use podlift_common::clock::Clock;
use podlift_engine::doors::VIP;
use podlift_engine::validate::{Scene, Validation};
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::NodeName;
use podlift_model::survey::Seen;
use std::sync::{Arc, OnceLock, Weak};

/// What is validated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValidateAsk {
    /// Ids of checks; empty for all.
    pub only: Vec<String>,
    /// Neither test objects in the cluster nor scripts of the site.
    pub without_probes: bool,
}

impl ValidateAsk {
    fn wants(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == id)
    }

    fn wants_site(&self) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only.starts_with("site:"))
    }
}

pub(crate) struct Validator {
    pub cluster: Arc<dyn Cluster>,
    pub agents: Arc<dyn Agents>,
    pub store: Arc<Store>,
    pub clock: Arc<dyn Clock>,
    /// The head node whose agent answers for BCM; `None` if BCM is not asked.
    pub head: Option<NodeName>,
    pub settings: ValidateSettings,
    /// Set once the coordinator is whole; weak, because the fence asks the cluster, which asks this. Scripts of the site are ops, which need an epoch.
    pub fence: OnceLock<Weak<Fence>>,
    /// One validation makes test objects at a time.
    pub turn: tokio::sync::Mutex<()>,
}

impl Validator {
    /// The validation of a run's last step: all checks, with probes.
    pub async fn of_run(&self) -> Validation {
        self.validate(&ValidateAsk::default(), &(Arc::new(drop) as Progress)).await
    }

    /// `told` receives what is looked at.
    pub async fn validate(&self, ask: &ValidateAsk, told: &Progress) -> Validation {
        let _turn = self.turn.lock().await;
        let scene = self.scene(ask, told).await;
        podlift_engine::validate::validate(&scene, &ask.only)
    }

    async fn scene(&self, ask: &ValidateAsk, told: &Progress) -> Scene {
        let at = self.clock.now();
        let context = Context::of(&self.store, at);
        let nodes = self.look(ClusterLook::Nodes, |reply| match reply {
            ClusterReply::Nodes(nodes) => Some(nodes),
            _ => None,
        });
        told("nodes".into());
        let nodes = nodes.await;
        let planes: Vec<NodeName> =
            nodes.iter().flatten().filter(|n| n.control_plane).map(|n| n.name.clone()).collect();
        let endpoints = self.endpoints(&planes);
        let parts_ask = PartsAsk {
            endpoints: endpoints.iter().filter(|e| *e != VIP).cloned().collect(),
            since: context.since,
            dns: ask.wants("dns") && !ask.without_probes,
            claims: ask.wants("storage") && !ask.without_probes,
            image: self.settings.image.clone(),
        };
        let (parts, seen_planes, addons, calico, bcm, site, tls, of_nodes) = tokio::join!(
            self.cluster.parts(&parts_ask, told),
            self.planes(&planes, told),
            self.look(ClusterLook::Addons, |reply| match reply {
                ClusterReply::Addons(addons) => Some(addons),
                _ => None,
            }),
            self.look(ClusterLook::Calico, |reply| match reply {
                ClusterReply::Calico(calico) => Some(calico),
                _ => None,
            }),
            self.bcm(ask, told),
            self.site(ask, told),
            self.of_servers(&parts_ask.endpoints),
            self.of_nodes(&planes)
        );
        let planes = seen_planes;
        let ends = self.ends(&parts.served, tls, of_nodes);
        Scene {
            at,
            run: context.run,
            version: context.version,
            without: context.without,
            before: context.before,
            since: context.since,
            nodes,
            components: planes.components,
            components_after: planes.components_after,
            soak_seconds: self.settings.soak.as_secs(),
            images: parts.images,
            static_pods: parts.static_pods,
            addons,
            etcd: planes.etcd,
            etcd_after: planes.etcd_after,
            dns: parts.dns,
            calico,
            load_balancers: parts.load_balancers,
            served: parts.served,
            unasked: parts.unasked,
            not_ready: parts.not_ready,
            events: parts.events,
            hardware: parts.hardware,
            gpu_operator: parts.gpu_operator,
            storage: parts.storage,
            webhooks: parts.webhooks,
            bcm,
            ends,
            expires_within_days: self.settings.expires_within_days,
            site,
        }
    }

    async fn look<T>(&self, look: ClusterLook, pick: impl FnOnce(ClusterReply) -> Option<T>) -> Seen<T> {
        match self.cluster.look(&look).await {
            Ok(reply) => pick(reply).ok_or_else(|| "the API's answer is something else".into()),
            Err(failure) => Err(failure.message),
        }
    }

    /// Advertised addresses of the API servers, as their agents report them.
    fn endpoints(&self, planes: &[NodeName]) -> Vec<String> {
        let seen = self.agents.seen();
        let of = |node: &NodeName| seen.iter().find(|n| n.facts.node == *node)?.facts.advertise.clone();
        planes.iter().filter_map(of).collect()
    }
}
