//! Which of kubeadm's addons the cluster uses, as their ConfigMaps show, the version of kube-proxy, and how far both are rolled out.

use super::api::Api;
use super::cache::Cache;
use super::nodes::{self, Watched};
use super::pod::Pod;
use podlift_engine::doors::{AddonsView, RolloutKind, RolloutView};
use podlift_model::{Failure, KubeVersion, NodeName};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const NAMESPACE: &str = "kube-system";
const KUBE_PROXY: &str = "kube-proxy";
/// The number of a DaemonSet's template, on the DaemonSet, and on the pods that were made from it.
const GENERATION: &str = "deprecated.daemonset.template.generation";
const POD_GENERATION: &str = "pod-template-generation";

/// Where the addons are looked at.
pub(super) struct Addons<'a> {
    pub api: &'a Api,
    /// The shared watches, if there are any.
    pub pods: Option<&'a Cache<Pod>>,
    pub nodes: Option<&'a Cache<Watched>>,
}

impl Addons<'_> {
    pub async fn read(&self) -> Result<AddonsView, Failure> {
        let map = |name: &str| format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{name}");
        let kube_proxy = self.api.find(&map(KUBE_PROXY)).await?.is_some();
        let coredns = self.api.find(&map("coredns")).await?.is_some();
        let apps = |what: &str| format!("/apis/apps/v1/namespaces/{NAMESPACE}/{what}");
        let set = self.api.find(&apps("daemonsets/kube-proxy")).await?;
        let dns = self.api.find(&apps("deployments/coredns")).await?;
        let images = [&set, &dns].into_iter().flatten().filter_map(image).map(String::from).collect();
        let kube_proxy_rollout = match &set {
            Some(set) => Some(self.of_set(set).await?),
            None => None,
        };
        Ok(AddonsView {
            kube_proxy,
            coredns,
            kube_proxy_version: set.as_ref().and_then(version),
            images,
            kube_proxy_rollout,
            coredns_rollout: dns.as_ref().map(of_deployment),
        })
    }

    /// Asks for the pods only while the counts say that something is missing: a large cluster has thousands.
    pub(super) async fn of_set(&self, set: &Value) -> Result<RolloutView, Failure> {
        let status = &set["status"];
        let mut rollout = RolloutView {
            observed: observed(set),
            desired: number(&status["desiredNumberScheduled"]),
            updated: number(&status["updatedNumberScheduled"]),
            available: number(&status["numberAvailable"]),
            unready_nodes: vec![],
        };
        let complete = rollout.updated >= rollout.desired && rollout.available >= rollout.desired;
        if !(rollout.observed && complete) {
            rollout.unready_nodes = self.unready(set, rollout.desired).await?;
        }
        Ok(rollout)
    }

    /// Nodes whose pod is not of the present template, is not Ready, or is missing.
    async fn unready(&self, set: &Value, desired: u32) -> Result<Vec<NodeName>, Failure> {
        let generation = set["metadata"]["annotations"][GENERATION].as_str();
        let good = |pod: &Pod| {
            // Without the number on the DaemonSet nothing tells an old pod from a new one, and the counts have to.
            let present = generation.is_none_or(|g| pod.label(POD_GENERATION).is_some_and(|own| own == g));
            pod.ready && pod.deleting.is_none() && present
        };
        let mut by_node: BTreeMap<String, bool> = BTreeMap::new();
        for pod in self.pods_of_set(set).await?.iter().filter(|p| !p.node.is_empty()) {
            *by_node.entry(pod.node.to_string()).or_default() |= good(pod);
        }
        let mut out: BTreeSet<String> =
            by_node.iter().filter(|(_, good)| !**good).map(|(node, _)| node.clone()).collect();
        if by_node.len() < desired as usize {
            let eligible = self.eligible(set).await?;
            out.extend(eligible.into_iter().filter(|node| !by_node.contains_key(node)));
        }
        Ok(out.into_iter().filter_map(|node| NodeName::new(node).ok()).collect())
    }

    async fn pods_of_set(&self, set: &Value) -> Result<Vec<Arc<Pod>>, Failure> {
        let text = |key: &str| set["metadata"][key].as_str().unwrap_or_default();
        let (namespace, name) = (text("namespace"), text("name"));
        let mine = |pod: &Pod| {
            let controller = pod.controller.as_ref();
            *pod.namespace == *namespace
                && controller.is_some_and(|c| *c.kind == *"DaemonSet" && *c.name == *name)
        };
        if let Some(watched) = self.pods {
            let read = |state: &super::cache::State<Pod>| {
                state.all().into_iter().filter(|pod| mine(pod)).collect::<Vec<_>>()
            };
            if let Some(pods) = watched.at_least(self.api.written(), read).await {
                return Ok(pods);
            }
        }
        let labels = set["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
        let labels: Vec<String> =
            labels.filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
        let (path, mut pods) = (format!("/api/v1/namespaces/{namespace}/pods"), Vec::new());
        let selector = labels.join(",");
        self.api.each(&path, &[("labelSelector", &selector)], |pod: Pod| pods.push(Arc::new(pod))).await?;
        pods.retain(|pod| mine(pod));
        Ok(pods)
    }

    /// Nodes whose labels the DaemonSet selects.
    async fn eligible(&self, set: &Value) -> Result<Vec<String>, Failure> {
        let watched = match self.nodes {
            Some(cache) => cache.all(self.api.written()).await,
            None => None,
        };
        let views = match watched {
            Some(nodes) => nodes.iter().map(|node| node.view.clone()).collect(),
            None => nodes::list(self.api).await?,
        };
        let wanted = set["spec"]["template"]["spec"]["nodeSelector"].as_object();
        let selected = |labels: &BTreeMap<String, String>| {
            let mut wanted = wanted.into_iter().flatten();
            wanted.all(|(key, value)| labels.get(key).is_some_and(|own| value == own.as_str()))
        };
        Ok(views
            .into_iter()
            .filter(|view| selected(&view.labels))
            .map(|view| view.name.to_string())
            .collect())
    }
}

/// How far a workload is, by the counts of its status. Nodes of a DaemonSet are not named.
pub(super) fn rollout(kind: RolloutKind, object: &Value) -> RolloutView {
    let count = |key: &str| number(&object["status"][key]);
    match kind {
        RolloutKind::Deployment | RolloutKind::StatefulSet => of_deployment(object),
        RolloutKind::DaemonSet => RolloutView {
            observed: observed(object),
            desired: count("desiredNumberScheduled"),
            updated: count("updatedNumberScheduled"),
            available: count("numberAvailable"),
            unready_nodes: vec![],
        },
    }
}

/// Also of a StatefulSet, whose status has the same counts.
fn of_deployment(deployment: &Value) -> RolloutView {
    let count = |key: &str| number(&deployment["status"][key]);
    RolloutView {
        observed: observed(deployment),
        // One replica is the API's default.
        desired: deployment["spec"].get("replicas").map_or(1, number),
        updated: count("updatedReplicas"),
        available: count("availableReplicas"),
        unready_nodes: vec![],
    }
}

/// Whether the counts of the status are those of the present specification. An object without a status has not been seen by its controller.
fn observed(object: &Value) -> bool {
    let seen = object["status"]["observedGeneration"].as_i64();
    seen.is_some_and(|seen| seen >= object["metadata"]["generation"].as_i64().unwrap_or(0))
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|n| n.try_into().ok()).unwrap_or(0)
}

/// The image of the first container.
fn image(object: &Value) -> Option<&str> {
    object["spec"]["template"]["spec"]["containers"].as_array()?.first()?["image"].as_str()
}

fn version(set: &Value) -> Option<KubeVersion> {
    // registry:port/name:tag@digest
    let image = image(set)?.split('@').next()?;
    image.rsplit_once(':')?.1.parse().ok()
}
