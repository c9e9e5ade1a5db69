//! The cluster over its API, with each call in its own file. Objects travel as JSON, so that fields unknown to this build are kept. Writes
//! are merge patches with a resourceVersion, never a replacement.

mod addons;
mod api;
mod before;
mod cache;
mod calico;
mod config_map;
mod connect;
mod cordon;
mod dns;
mod drain;
mod events;
mod follow;
mod foreign;
mod gpu_operator;
mod kubeadm_config;
mod kubelet_config;
mod lately;
mod listed;
mod node_patch;
mod nodes;
mod not_ready;
mod owner;
mod pages;
mod parts;
mod planes;
mod pod;
mod raw;
mod restart;
mod secret;
mod service;
mod soft_taint;
mod storage;
mod survey;
mod test_objects;
#[cfg(test)]
mod tests;
mod texts;
mod warn;
mod watches;
mod webhooks;
mod workloads;

pub use cache::Gauge;
pub use connect::{ByAddress, connect, connect_for_watches};
pub(crate) use secret::{certificate, wipe};

use super::servers::NoServers;
use super::{
    Certificates, Change, Cluster, Followed, Handshake, Parts, PartsAsk, Prober, SecretCopy, Servers,
};
use crate::dispatch::Progress;
use crate::flights::Flights;
use crate::meters::ApiMeters;
use addons::Addons;
use api::Api;
use async_trait::async_trait;
use bytes::Bytes;
use drain::{Drain, Sets};
use futures_util::future::{FutureExt as _, join_all};
use jiff::Timestamp;
use lately::Lately;
use listed::Listed;
use podlift_common::clock::{Clock, SystemClock};
use podlift_engine::doors::{ApiProbe, DrainOptions, EvictionView, NodeView};
use podlift_engine::program::SitePolicy;
use podlift_engine::survey::{GangView, PodView};
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::{Epoch, Failure, NodeName, PodRef};
use restart::Workload;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use watches::Watches;

pub struct KubeCluster {
    api: Api,
    prober: Arc<dyn Prober>,
    servers: Arc<dyn Servers>,
    certificates: Arc<dyn Certificates>,
    lately: Lately,
    listed: Listed<PodView>,
    gangs: Listed<GangView>,
    /// Reads of single Node objects that are under way: one look asks for the same node in several ways.
    reads: Flights<NodeName, Arc<Value>>,
    sets: Sets,
    watches: Option<Watches>,
    /// For watches of single kinds; `None` without watches.
    streaming: Option<::kube::Client>,
    clock: Arc<dyn Clock>,
    never_interrupt: Vec<String>,
    /// Places for the evictions of all drains.
    evictions: Semaphore,
}

/// Time limit of one TLS handshake at an ingress.
const HANDSHAKE: Duration = Duration::from_secs(3);

impl KubeCluster {
    /// `client` must not retry by itself (`Config::default_retry = false`), because that would hide a refused eviction for minutes.
    pub fn new(client: ::kube::Client, prober: Arc<dyn Prober>, timeout: Duration) -> Self {
        Self {
            api: Api::new(client, timeout),
            prober,
            servers: Arc::new(NoServers),
            certificates: Arc::new(Handshake::new(HANDSHAKE)),
            lately: Lately::default(),
            listed: Listed::default(),
            gangs: Listed::default(),
            reads: Flights::default(),
            sets: Sets::default(),
            watches: None,
            streaming: None,
            clock: Arc::new(SystemClock),
            never_interrupt: SitePolicy::default().never_interrupt,
            evictions: Semaphore::new(drain::IN_FLIGHT),
        }
    }

    /// Reads nodes and pods from one watch of each kind. A watch begins at the first read. `client` must have no time limit between two
    /// reads; the caller is within a runtime.
    pub fn with_watches(self, client: ::kube::Client) -> Self {
        let watches = Watches::begin(&self.api, client.clone());
        Self { watches: Some(watches), streaming: Some(client), ..self }
    }

    /// Counts requests in `meters`. It must come before `with_watches`.
    pub fn with_meters(self, meters: ApiMeters) -> Self {
        Self { api: self.api.with_meters(meters), ..self }
    }

    /// Sets the wall clock, which is compared with the times in objects.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Sets how single API servers are reached.
    pub fn with_servers(self, servers: Arc<dyn Servers>) -> Self {
        Self { servers, ..self }
    }

    /// Sets what reads the certificates that ingresses present.
    pub fn with_certificates(self, certificates: Arc<dyn Certificates>) -> Self {
        Self { certificates, ..self }
    }

    /// Sets the labels and annotations, `key=value`, by which the owner of a pod forbids its interruption.
    pub fn with_never_interrupt(self, never_interrupt: Vec<String>) -> Self {
        Self { never_interrupt, ..self }
    }

    async fn survey(&self, endpoints: &[String]) -> ClusterReply {
        let (servers, certificates) = (self.servers.as_ref(), self.certificates.as_ref());
        let from =
            survey::Sources { api: &self.api, servers, certificates, never_interrupt: &self.never_interrupt };
        ClusterReply::Survey(Box::new(survey::survey(&from, endpoints).await))
    }

    /// The nodes as the watch shows them, at least as new as our own last write; `None` if the API has to be asked.
    async fn watched_nodes(&self) -> Option<Vec<NodeView>> {
        let nodes = self.watches.as_ref()?.nodes.all(self.api.written()).await?;
        Some(nodes.iter().map(|node| node.view.clone()).collect())
    }

    fn addons(&self) -> Addons<'_> {
        let watches = self.watches.as_ref();
        let (pods, nodes) = (watches.map(|w| w.pods.as_ref()), watches.map(|w| w.nodes.as_ref()));
        Addons { api: &self.api, pods, nodes }
    }

    async fn pods_to_evict(&self, node: &NodeName, options: &DrainOptions) -> Result<EvictionView, Failure> {
        let (now, object) = (|| self.clock.now(), self.node(node).await?);
        self.drain(node, options, Duration::ZERO, &now).look(&object).await
    }

    /// A Node object as it is now. Looks that ask for it at the same time share one request, unless podlift has written anything in between.
    async fn node(&self, node: &NodeName) -> Result<Arc<Value>, Failure> {
        let (api, name) = (self.api.clone(), node.clone());
        let read = || async move { nodes::raw(&api, &name).await.map(Arc::new) }.boxed();
        self.reads.join(node.clone(), self.api.written(), read).await
    }

    /// A drain by force evicts the most.
    async fn checkpoints(&self, node: &NodeName) -> Result<Vec<PodRef>, Failure> {
        let (now, options) = (|| self.clock.now(), DrainOptions { force: true, ..DrainOptions::default() });
        let object = self.node(node).await?;
        self.drain(node, &options, Duration::ZERO, &now).hooked(&object).await
    }

    async fn interactive(&self, node: &NodeName) -> Result<Vec<PodRef>, Failure> {
        let (now, options) = (|| self.clock.now(), DrainOptions { force: true, ..DrainOptions::default() });
        let object = self.node(node).await?;
        self.drain(node, &options, Duration::ZERO, &now).with_people(&object).await
    }

    fn drain<'a>(
        &'a self,
        node: &'a NodeName,
        options: &'a DrainOptions,
        limit: Duration,
        now: &'a (dyn Fn() -> Timestamp + Send + Sync),
    ) -> Drain<'a> {
        let watched = self.watches.as_ref().map(|w| w.pods.as_ref());
        let never = &self.never_interrupt;
        let (api, places, sets) = (&self.api, &self.evictions, &self.sets);
        Drain { api, places, sets, watched, node, options, never, limit, now }
    }

    async fn probes(&self, endpoints: &[String]) -> ClusterReply {
        ClusterReply::Probes(join_all(endpoints.iter().map(|e| self.prober.probe(e))).await)
    }
}

#[async_trait]
impl Cluster for KubeCluster {
    async fn look(&self, look: &ClusterLook) -> Result<ClusterReply, Failure> {
        let api = &self.api;
        Ok(match look {
            ClusterLook::Nodes => ClusterReply::Nodes(match self.watched_nodes().await {
                Some(nodes) => nodes,
                None => nodes::list(api).await?,
            }),
            ClusterLook::NodesLately => ClusterReply::Nodes(match self.watched_nodes().await {
                Some(nodes) => nodes,
                None => self.lately.nodes(api).await?,
            }),
            ClusterLook::Node { node } => ClusterReply::Node(nodes::view(self.node(node).await?.as_ref())?),
            ClusterLook::PodsToEvict { node, options } => {
                ClusterReply::Pods(self.pods_to_evict(node, options).await?)
            }
            ClusterLook::KubeadmConfig => ClusterReply::KubeadmConfig(kubeadm_config::read(api).await?),
            ClusterLook::KubeletConfig => ClusterReply::KubeletConfig(kubelet_config::read(api).await?),
            ClusterLook::Checkpoints { node } => ClusterReply::Checkpoints(self.checkpoints(node).await?),
            ClusterLook::Interactive { node } => ClusterReply::Interactive(self.interactive(node).await?),
            ClusterLook::Workloads => self.workloads().await?,
            ClusterLook::Addons => ClusterReply::Addons(self.addons().read().await?),
            ClusterLook::ProbeApiServers { endpoints } => self.probes(endpoints).await,
            ClusterLook::Hardware { node } => ClusterReply::Hardware(survey::hardware_of(api, node).await?),
            ClusterLook::Survey { endpoints } => self.survey(endpoints).await,
            ClusterLook::Service { namespace, name } => {
                ClusterReply::Service(service::read(api, namespace, name).await?)
            }
            ClusterLook::Secret { namespace, name } => {
                ClusterReply::Secret(secret::read(api, namespace, name).await?)
            }
            ClusterLook::Served { address, name } => {
                ClusterReply::Served(survey::served_at(self.certificates.as_ref(), address, name).await)
            }
            ClusterLook::Calico => ClusterReply::Calico(calico::read(api).await?),
            ClusterLook::Rollout { kind, namespace, name } => {
                ClusterReply::Rollout(Workload { kind: *kind, namespace, name }.look(&self.addons()).await?)
            }
            // Another module has the copies, and one asks for validations.
            ClusterLook::KeptService { .. } => ClusterReply::Kept(None),
            ClusterLook::Validation => return Err(beyond("a validation")),
        })
    }

    async fn act(&self, act: &ClusterAct, epoch: &Epoch) -> Result<String, Failure> {
        self.act_told(act, epoch, &(Arc::new(drop) as Progress)).await
    }

    async fn act_told(&self, act: &ClusterAct, epoch: &Epoch, told: &Progress) -> Result<String, Failure> {
        let api = &self.api;
        Ok(match act {
            ClusterAct::Cordon { node, run, from, held } => {
                cordon::cordon(api, node, run, from.as_ref(), held, epoch).await?
            }
            ClusterAct::Uncordon { node, run } => cordon::uncordon(api, node, run, epoch).await?,
            ClusterAct::SoftTaint { node, run, held } => soft_taint::set(api, node, run, held, epoch).await?,
            ClusterAct::SoftUntaint { node, run } => soft_taint::remove(api, node, run, epoch).await?,
            ClusterAct::Warn { node, run, seconds, pods } => {
                let warning = warn::Warning { node, run, seconds: *seconds, now: self.clock.now() };
                warn::write(api, &warning, pods).await?
            }
            ClusterAct::Drain { node, seconds, options, .. } => {
                let (now, limit) = (|| self.clock.now(), Duration::from_secs((*seconds).into()));
                self.drain(node, options, limit, &now).run(epoch, told).await?
            }
            ClusterAct::WriteKubeadmConfig { resource_version, cluster_configuration } => {
                kubeadm_config::write(api, resource_version, cluster_configuration, epoch).await?
            }
            ClusterAct::WriteKubeletConfig { resource_version, kubelet } => {
                kubelet_config::write(api, resource_version, kubelet, epoch).await?
            }
            ClusterAct::RestoreService { object, .. } => service::restore(api, object).await?,
            ClusterAct::RestoreSecret { .. } => return Err(beyond("a copy of a secret")),
            ClusterAct::RestartRollout { kind, namespace, name, run } => {
                let workload = Workload { kind: *kind, namespace, name };
                workload.restart(api, run.as_ref(), epoch, self.clock.now()).await?
            }
            ClusterAct::RemoveOperator { .. } => calico::remove(api).await?,
        })
    }

    async fn read_at(&self, endpoint: &str) -> ApiProbe {
        self.prober.read(endpoint).await
    }

    async fn write_at(&self, endpoint: &str) -> ApiProbe {
        self.prober.write(endpoint).await
    }

    async fn watch_at(&self, endpoint: &str, opened: &(dyn Fn() + Send + Sync)) -> Result<(), String> {
        self.prober.watch(endpoint, opened).await
    }

    async fn follow(&self, what: &Followed, changes: &mpsc::Sender<Change>) -> Failure {
        match &self.streaming {
            Some(client) => follow::follow(&self.api, client, what, changes).await,
            None => Failure::permanent("no-watches", "this adapter has no client for watches"),
        }
    }

    async fn parts(&self, ask: &PartsAsk, told: &Progress) -> Parts {
        self.gather(ask, told).await
    }

    async fn create_secret(&self, copy: &SecretCopy) -> Result<String, Failure> {
        secret::create(&self.api, copy).await
    }

    async fn said_about(&self, kind: &str, namespace: &str, name: &str) -> Result<Option<String>, Failure> {
        events::about(&self.api, kind, namespace, name).await
    }

    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure> {
        raw::get(&self.api, path, query).await
    }
}

/// The failure of a request that the API alone can't answer.
fn beyond(what: &str) -> Failure {
    Failure::permanent(podlift_model::codes::ODD_REPLY, format!("the API has no {what}"))
}
