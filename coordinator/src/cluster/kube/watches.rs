//! The shared watches: one of nodes and one of pods. They end with the value.

use super::api::Api;
use super::cache::{Cache, keep};
use super::nodes::Watched;
use super::pod::Pod;
use kube::Client;
use std::sync::Arc;
use tokio::task::JoinSet;

pub(super) struct Watches {
    pub nodes: Arc<Cache<Watched>>,
    pub pods: Arc<Cache<Pod>>,
    /// Ends the tasks when it is dropped.
    _tasks: JoinSet<()>,
}

impl Watches {
    pub fn begin(api: &Api, client: Client) -> Self {
        let (nodes, pods) = (Arc::new(Cache::default()), Arc::new(Cache::default()));
        let mut tasks = JoinSet::new();
        let (of_nodes, own, watch) = (nodes.clone(), api.clone(), client.clone());
        tasks.spawn(async move { keep(of_nodes.as_ref(), &own, &watch).await });
        let (of_pods, own) = (pods.clone(), api.clone());
        tasks.spawn(async move { keep(of_pods.as_ref(), &own, &client).await });
        let (seen_nodes, seen_pods) = (nodes.clone(), pods.clone());
        api.meters().observe(Arc::new(move || seen_nodes.gauge()));
        api.meters().observe(Arc::new(move || seen_pods.gauge()));
        Self { nodes, pods, _tasks: tasks }
    }
}
